"""The verdict of /diagnostics: which cause is named, and that each has a cure; those on inputs stand beside this."""

import pytest
from running_node import GUESS, NO_SCALE, RELATIVE

from depthart_ros.diagnostics.verdicts import CURES, ERROR, OK, STALE, WARN, Verdict, combine


def test_nothing_wrong_is_ok(verdict):
    assert verdict() == Verdict(OK, "running")


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({"lifecycle": "unconfigured"}, OK, "unconfigured; run the lifecycle transition `configure`"),
        ({"lifecycle": "inactive"}, OK, "inactive; run the lifecycle transition `activate`"),
        (
            {"lifecycle": "unconfigured", "problems": {"configuration": "no model"}},
            ERROR,
            "unconfigured; no model; correct it and start again, or run the lifecycle transition `configure` again",
        ),
        (
            {"lifecycle": "inactive", "problems": {"configuration": "no such quality of service"}},
            ERROR,
            "correct it and start again, or run the lifecycle transition `activate` again",
        ),
        (
            {"lifecycle": "unconfigured", "problems": {"refused": "parameter seed is refused"}},
            ERROR,
            "unconfigured; parameter seed is refused; start again with a valid value",
        ),
        ({"problems": {"image": "step is 1"}}, ERROR, "frames are dropped; step is 1; let the camera"),
        ({"problems": {"image": "step is 1"}, "rates": {"processed": 9.0}}, WARN, "frames are dropped; step is 1"),
        ({"problems": {"unforeseen": "RuntimeError: x"}}, ERROR, "frames fail; RuntimeError: x; see the log"),
        ({"problems": {"age": "9 s old"}}, ERROR, "frames are too old; 9 s old; set use_sim_time"),
        ({"problems": {"waited": "it waited"}}, ERROR, "frames are too old; it waited; set deadline_ms, lower"),
        (
            {"problems": {"subscriber": "of points"}, "subscribed": frozenset()},
            WARN,
            "a subscriber gets nothing; of points; let it ask for less",
        ),
        ({"rates": {"received": 30.0, "processed": 8.0}}, OK, "running; 8.0 of 30.0 images/s are processed"),
        (
            {"rates": {"received": 30.0, "processed": 8.0}, "falls_behind": True},
            WARN,
            "overloaded; depth comes later and later: 8.0 of 30.0 images/s are processed; set deadline_ms",
        ),
        (
            {"rates": {"received": 30.0, "processed": 0.1}, "latency": 9.9},
            WARN,
            "slow; depth comes 9.9 s after its image; 0.1 of 30.0 images/s are processed; set deadline_ms",
        ),
        ({"latency": 0.9}, OK, "running"),
        (
            {"age": 3.5, "settings": {"max_age": 5.0}},
            WARN,
            "images come late; images are 3.5 s old when they arrive; set use_sim_time for a bag with a clock, set the",
        ),
        ({"age": 0.9, "settings": {"max_age": 5.0}}, OK, "running"),
        ({"age": 3600.0, "settings": {"max_age": 0.0}}, OK, "running; images are 3600.0 s old when they arrive"),
        ({"latency": 9.9, "settings": {"process_all": True}}, OK, "running"),
        ({"latency": 1.5, "settings": {"deadline_ms": 2000.0}}, OK, "running"),
        ({"subscribed": frozenset()}, OK, "idle; nobody subscribes"),
        ({"settings": NO_SCALE}, WARN, "scale is unknown; measure one distance"),
        ({"settings": NO_SCALE, "subscribed": RELATIVE}, OK, "ros2 param set /depth_node scale VALUE"),
        (
            {"settings": GUESS, "heads": False},
            WARN,
            "this model makes no guess of its scale; set scale_source to given, and measure one distance",
        ),
        ({"has_camera_info": False, "subscribed": frozenset({"depth/image_rect"})}, OK, "running"),
        ({"settings": NO_SCALE, "subscribed": RELATIVE, "falls_behind": True}, WARN, "overloaded; depth comes later"),
        (
            {"subscribed": frozenset({"depth/confidence"}), "heads": False},
            WARN,
            "no confidence; this model does not say",
        ),
        (
            {"settings": {"min_confidence": 0.5}, "heads": False},
            WARN,
            "no confidence; this model does not say how sure it is, so min_confidence filters nothing; choose a model",
        ),
        ({"settings": {"min_confidence": 0.5}}, OK, "running"),
        ({"settings": {"min_confidence": 0.5}, "heads": False, "subscribed": RELATIVE}, OK, "running"),
        ({"deadline_ignored": True}, WARN, "no deadline; this backend decodes all scales at once, so deadline_ms is"),
        ({"problems": {"future": "9 s ahead"}}, WARN, "stamps lie in the future; 9 s ahead; set use_sim_time"),
        ({"problems": {"camera_info": "p is all zero"}}, WARN, "no cloud; p is all zero; calibrate"),
        ({"problems": {"camera_info": "for images of 7x7"}}, WARN, "remap camera_info to the one of this image; let"),
        ({"problems": {"publish": "points could not"}}, WARN, "outputs are lost; points could not; use the shared"),
    ],
)
def test_the_state_is_named_with_cause_and_cure(verdict, changes, level, words):
    result = verdict(**changes)
    assert (result.level, words in result.sentence) == (level, True), result.sentence
    assert bool(result.cure) == (result.state not in ("running", "idle"))


def test_images_that_wait_in_order_before_they_are_taken_are_no_fault_of_their_camera(verdict):
    assert verdict(age=3.5, settings={"max_age": 5.0, "process_all": True}).sentence == "running"


def test_frames_that_make_no_cloud_by_request_are_not_said_to_be_dropped(verdict):
    assert verdict(rates={"received": 3.0, "processed": 2.0, "idle": 1.0}).sentence == "running"


def test_what_comes_first_in_the_chain_is_named_first(verdict):
    everything = dict.fromkeys(CURES, "x")
    assert verdict(image={"publishers": 0}, problems=everything, settings=NO_SCALE).state == "no image"
    assert verdict(problems=everything, settings=NO_SCALE).state == "no image"
    del everything["subscription"]
    assert verdict(problems=everything, settings=NO_SCALE).state == "frames are dropped"
    assert verdict(problems={"camera_info": "x"}, settings=NO_SCALE).state == "relative depth only"


def test_a_guess_is_advised_only_where_the_model_makes_one(verdict):
    advice = "set scale_source to model"
    assert advice in verdict(settings=NO_SCALE).cure
    assert advice not in verdict(settings=NO_SCALE, heads=False).cure
    assert advice not in verdict(settings=GUESS, heads=False).cure


def test_who_wants_confidence_alone_is_told_of_it_and_not_of_the_scale(verdict):
    wishes = {"subscribed": frozenset({"depth/confidence"}), "settings": NO_SCALE}
    assert verdict(**wishes, heads=False).state == "no confidence"
    assert verdict(**wishes).state == "relative depth only"
    assert (
        verdict(**wishes | {"subscribed": frozenset({"depth/confidence", "points"})}, heads=False).state
        == "relative depth only"
    )


def test_several_cameras_are_as_bad_as_the_worst_of_them_which_is_named(verdict):
    verdicts = {
        "front": Verdict(OK, "running"),
        "left": verdict(silence=5.0),
        "rear": verdict(image={"publishers": 0}, ever_received=False),
    }
    both = combine(verdicts)
    assert (both.level, both.state) == (STALE, "1 of 3 cameras are well")
    assert both.cause.startswith("left: no image: 1 publisher(s)")
    assert combine(verdicts | {"rear": verdict(problems={"image": "x"})}).level == ERROR
    assert combine({"a": Verdict(OK, "running"), "b": Verdict(OK, "idle")}).sentence == "idle and running; 2 cameras"
