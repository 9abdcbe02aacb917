"""Records the rates of Keras's schedules, for keras_test.go.

    pip install keras==3.15.1 tensorflow-cpu
    KERAS_BACKEND=tensorflow python make_goldens.py   # writes keras.json beside it
"""

import itertools
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

STEPS = [0, 1, 2, 3, 7, 9, 10, 11, 19, 20, 21, 30, 31, 70, 99, 100, 101, 150, 310, 999, 1000, 1234]
RATES = [0.1, 1e-3]

CASES = {
    "ExponentialDecay": dict(initial_learning_rate=RATES, decay_rate=[0.5, 0.96, 1.05], decay_steps=[1, 10, 1000], staircase=[False, True]),
    "PiecewiseConstantDecay": dict(boundaries=[[10, 100], [0, 1, 30], [999]], values=[[0.1, 0.05, 0.01], [0.4, 0.3, 0.2, 0.1], [1.0, 2.0]]),
    "PolynomialDecay": dict(initial_learning_rate=RATES, decay_steps=[1, 10, 100, 1000], end_learning_rate=[None, 0.0, 0.01], power=[None, 0.5, 2.0], cycle=[False, True]),
    "InverseTimeDecay": dict(initial_learning_rate=RATES, decay_steps=[1, 10, 1000], decay_rate=[0.5, 2.0], staircase=[False, True]),
    "CosineDecay": dict(initial_learning_rate=RATES, decay_steps=[1, 10, 1000], alpha=[None, 0.1, 1.0]),
    "CosineDecayRestarts": dict(initial_learning_rate=RATES, first_decay_steps=[10, 100], t_mul=[None, 1.0, 1.5, 3.0], m_mul=[None, 0.8], alpha=[None, 0.1]),
}


def cases(name):
    """Every combination; None leaves an argument at Keras's default."""
    choices = CASES[name]
    for values in itertools.product(*choices.values()):
        arguments = {key: value for key, value in zip(choices, values) if value is not None}
        if name == "PiecewiseConstantDecay" and len(arguments["values"]) != len(arguments["boundaries"]) + 1:
            continue
        schedule = getattr(keras.optimizers.schedules, name)(**arguments)
        yield {"arguments": arguments, "steps": STEPS, "rates": [float(schedule(step)) for step in STEPS]}


def warm_ups():
    """CosineDecay's own warm-up from 0 is the definition of the linear warm-up."""
    for warmup_steps in (1, 4, 100):
        schedule = keras.optimizers.schedules.CosineDecay(0.0, 1000, warmup_target=1.0, warmup_steps=warmup_steps)
        steps = [step for step in (0, 1, 2, 3, 50, 99) if step < warmup_steps]
        yield {"warmup_steps": warmup_steps, "steps": steps, "factors": [float(schedule(step)) for step in steps]}


def main():
    out = {"keras": keras.__version__, "tensorflow": tf.__version__}
    out |= {name: list(cases(name)) for name in CASES} | {"warm_ups": list(warm_ups())}
    lines = []
    for key, value in out.items():
        if isinstance(value, list):
            body = ",\n".join(json.dumps(item, separators=(",", ":"), allow_nan=False) for item in value)
            lines.append(f"{json.dumps(key)}: [\n{body}\n]")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
    (pathlib.Path(__file__).parent / "keras.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


main()
