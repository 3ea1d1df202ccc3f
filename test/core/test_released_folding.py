"""Conversion folds adaptive normalisations into constants: the released transformer, written plainly, says the same."""

import torch
from safetensors.torch import save_file
from torch.nn import functional

from depthart_core.released import convert_released
from depthart_core.transformer import block_causal_mask


def unfolded_logits(released, config, prefix, f_hat_tokens):
    """The released transformer written plainly: class embedding, adaptive norms, one matrix for q, k and v."""
    heads, width = config.transformer.heads, config.transformer.width
    condition = functional.silu(released["class_emb.weight"][1000])

    def linear(x, name):
        return x @ released[f"{name}.weight"].T + released[f"{name}.bias"]

    def modulated(x, scale, shift):
        return functional.layer_norm(x, (width,), eps=1e-6) * (1.0 + scale) + shift

    def attention(x, block, allowed):
        bias = torch.cat([released[f"{block}.q_bias"], torch.zeros(width), released[f"{block}.v_bias"]])
        qkv = x @ released[f"{block}.mat_qkv.weight"].T + bias
        q, k, v = qkv.view(*x.shape[:2], 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        weights = q @ k.transpose(-1, -2) / ((width // heads) ** 0.5 * config.transformer.temperature)
        y = weights.masked_fill(~allowed, -torch.inf).softmax(-1) @ v
        return linear(y.transpose(1, 2).reshape(x.shape), f"{block}.proj")

    positions = released["pos_1LC"][0] + released["lvl_embed.weight"][released["lvl_1L"][0]]
    start = released["class_emb.weight"][1000] + released["pos_start"][0, 0]
    x = torch.cat([start[None].expand(len(prefix), 1, -1), linear(f_hat_tokens, "word_embed")], dim=1) + positions
    x = torch.cat([prefix, x], dim=1)
    allowed = block_causal_mask([prefix.shape[1] + 1, *config.tokenizer.tokens[1:]], x.device)
    for i in range(config.transformer.blocks):
        block = f"blocks.{i}"
        gain1, gain2, scale1, scale2, shift1, shift2 = linear(condition, f"{block}.ada_lin.1").chunk(6)
        x = x + gain1 * attention(modulated(x, scale1, shift1), f"{block}.attn", allowed)
        hidden = functional.gelu(linear(modulated(x, scale2, shift2), f"{block}.ffn.fc1"), approximate="tanh")
        x = x + gain2 * linear(hidden, f"{block}.ffn.fc2")
    scale, shift = linear(condition, "head_nm.ada_lin.1").chunk(2)
    return linear(modulated(x, scale, shift), "head")[:, prefix.shape[1] :]


def test_folded_equals_unfolded(tmp_path, small_released, small_config):
    save_file(small_released, tmp_path / "released.safetensors")
    model = convert_released(tmp_path / "released.safetensors", config=small_config)
    generator = torch.Generator().manual_seed(1)
    prefix = model.prefix(torch.rand(2, 3, 16, 16, generator=generator) * 2.0 - 1.0)
    f_hats = [torch.randn(2, 8, 4, 4, generator=generator) for _ in range(3)]
    tokens = torch.cat([model.tokenizer.quantizer.pool(f_hat, k + 1) for k, f_hat in enumerate(f_hats)], dim=1)
    unfolded = unfolded_logits(small_released, small_config, prefix.tokens, tokens)
    assert unfolded.std() > 0.1
    torch.testing.assert_close(model.logits(prefix, f_hats), unfolded, rtol=1e-5, atol=1e-5)
