"""The stages of the training, each with what it trains and minimises; `table` lists them."""
