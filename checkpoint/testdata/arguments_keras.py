"""What Keras writes where one argument of a layer, initializer, regularizer, constraint, optimizer, loss or metric is not the default.

arguments_keras.py CLASSES.json, which is {"layers": […], "initializers": […], "regularizers": […], "constraints": […], "optimizers": […], "losses": […],
"metrics": […]}, the names of classes, prints as JSON a list of {"what", "model", "training"}: what was set to what, and the configuration of a model with it
(model.to_json()) or of its training (model.get_compile_config()); the other is null. Values are tried by the argument's name; those that Keras itself refuses
are left out, and an argument that no other value was found for is an error.
"""

import inspect
import json
import os
import pathlib
import sys
import warnings

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
warnings.simplefilter("ignore")
import keras

I, R, C = keras.initializers, keras.regularizers, keras.constraints

# What is tried beside a default, by the argument's name or the end of it.
VALUES = {
    "initializer": ["ones", "he_normal", I.Constant(0.25), I.RandomUniform(-0.5, 0.5), I.Orthogonal(2.0)],
    "regularizer": [R.L1(0.25), R.L2(0.25), R.L1L2(0.25, 0.5), R.OrthogonalRegularizer(0.25)],
    "constraint": [C.MaxNorm(3, axis=[0, 1]), C.NonNeg(), C.UnitNorm(axis=1)],
    "data_format": ["channels_first", "channels_last"],
    "padding": ["same", "causal", 2, (1, 2), ((1, 0), (2, 1))],
    "cropping": [2, (1, 2), ((1, 0), (2, 1))],
    "axis": [1, 2, -2, [1], [1, 2], [-1], None, 0, []],
    "axes": [1, -1, (1, 2), 2],
    "activation": ["relu", "gelu", "softmax", "leaky_relu", keras.activations.hard_silu, keras.layers.LeakyReLU(0.5), None],
    "seed": [7],
    "name": ["some_name"],
    "dtype": ["float16", "mixed_bfloat16"],
    "trainable": [False],
    "activity_regularizer": ["l2"],
    "shape": [(3, 5)],
    "batch_size": [3],
    "batch_shape": [(3, 6, 6, 2)],
    "noise_shape": [(None, 1, 1, 4), (None, 6, 1, 1)],
    "renorm_clipping": [{"rmax": 2.0}],
    "fill_mode": ["reflect", "nearest"],
    "fill_value": [0.5],
    "interpolation": ["nearest", "bicubic", "bilinear", "lanczos5", "area"],
    "output_padding": [1, 0],
    "groups": [4, 1],
    "mean": [0.5, [0.5, 0.25, 1.0, 2.0]],
    "variance": [0.5, [0.5, 0.25, 1.0, 2.0]],
    "scale": [0.5, [0.5, 0.25, 1.0, 2.0], False],
    "offset": [0.5, [0.5, 0.25, 1.0, 2.0]],
    "max_value": [6.0, 0.5],
    "shared_axes": [[1], [1, 2]],
    "target_shape": [(3, 48), (-1, 2)],
    "dims": [(2, 1, 3)],
    "pool_size": [3, (2, 3)],
    "strides": [2, 3, (2, 2)],
    "dilation_rate": [2, (2, 2)],
    "kernel_size": [2, (2, 1)],
    "size": [3, (2, 3)],
    "learning_rate": [0.5, 1.0, keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)],
    "gradient_accumulation_steps": [3],
    "loss_scale_factor": [8.0],
    "exclude_layers": [["dense"]],
    "exclude_embeddings": [False],
    "reduction": ["sum", "none", "mean", None, "mean_with_sample_weight"],
    "thresholds": [0.25, [0.25, 0.75]],
    "threshold": [0.25],
    "label_weights": [[0.5, 0.25, 1.0, 2.0]],
    "curve": ["PR"],
    "summation_method": ["minoring", "majoring"],
    "average": ["macro", "micro", "weighted"],
    "class_aggregation": [None],
    "class_id": [1],
    "ignore_class": [1],
    "k": [2],
    "top_k": [2],
    "num_labels": [4],
    "num_classes": [5],
    "num_thresholds": [50],
    "class_weighting": [True],
    "target_class_ids": [[1]],
    "mode": ["fan_out", "fan_avg"],
    "distribution": ["uniform", "untruncated_normal", "normal"],
    "quantization_config": [keras.quantizers.Int8QuantizationConfig()] if hasattr(keras.quantizers, "Int8QuantizationConfig") else ["int8"],
    "lora_rank": [2],
    "lora_alpha": [2],
    "beta": [0.5, 2.0],
    "alpha": [0.5, [0.5, 0.25, 0.125, 0.125]],
}
REQUIRED = {
    "scale": 2.0, "filters": 4, "kernel_size": 3, "pool_size": 2, "units": 4, "rate": 0.25, "stddev": 0.25, "n": 3, "height": 4, "width": 3, "target_shape": (144,), "dims": (1, 3, 2),
    "axes": -1, "activation": "relu", "num_classes": 4, "recall": 0.5, "precision": 0.5, "specificity": 0.5, "sensitivity": 0.5, "target_class_ids": [0],
    "shape": (6, 6, 2),
}
OF = {"InputLayer": {"shape": (6, 6, 4)}, "GroupNormalization": {"groups": 2}, "MeanIoU": {"sparse_y_pred": False}}
# What else has to be set for an argument to say something.
WITH = {
    "mean": {"variance": 2.0}, "variance": {"mean": 2.0}, "ema_momentum": {"use_ema": True}, "ema_overwrite_frequency": {"use_ema": True},
    "nesterov": {"momentum": 0.5}, "renorm_momentum": {"renorm": True}, "renorm_clipping": {"renorm": True}, "num_labels": {"multi_label": True}, "batch_shape": {"shape": None}, "alpha": {"apply_class_balancing": True},
}
# Arguments of Python objects that no file holds.
OBJECTS = ["input_tensor"]
# Arguments that every layer takes, some of which its signature hides in **kwargs.
LAYER = ["name", "trainable", "dtype", "activity_regularizer"]
MERGED = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot")


def values(key, default):
    for name in (key, key.split("_")[-1]):
        if name in VALUES:
            return [v for v in VALUES[name] if type(v) is not type(default) or v != default]
    if isinstance(default, bool):
        return [not default]
    if isinstance(default, int):
        return [default + 1]
    if isinstance(default, float):
        return [default + 0.25 if default + 0.25 < 1 else default / 2]
    return [0.25, 3, True, [1]] if default is None else []


def variants(cls, extra=()):
    """Yields keyword arguments with one that is not the default."""
    parameters = {k: p for k, p in inspect.signature(cls.__init__).parameters.items() if k not in ("self", "kwargs", "args", *OBJECTS)}
    required = {k: REQUIRED[k] for k, p in parameters.items() if p.default is p.empty}
    required |= OF.get(cls.__name__, {})
    yield "", None, required
    for key in list(parameters) + [k for k in extra if k not in parameters]:
        default = parameters[key].default if key in parameters else None
        others = values(key, required.get(key, default))
        if not others:
            sys.exit(f"{cls.__name__} has an argument {key} of {default!r}; say what else to try")
        for v in others:
            yield key, v, required | {k: w for k, w in WITH.get(key, {}).items() if k in parameters} | {key: v}
        if isinstance(default, bool):
            yield key, None, required | {key: None}  # which is false


out = []


def short(v):
    return v.get_config() if hasattr(v, "get_config") else getattr(v, "__name__", v)


def serialize(layer):
    return json.loads(json.dumps(keras.layers.serialize(layer)))


def sequential(layer, shape):
    """The configuration of a model of one layer, without what it takes to build it."""
    return {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": {
        "name": "sequential", "trainable": True, "dtype": DTYPE, "build_input_shape": [None, *shape],
        "layers": [layer] if layer["class_name"] == "InputLayer" else [serialize(keras.layers.InputLayer(shape, name="x")), layer]}}


def merged(layer):
    """Likewise of two layers that meet in another."""
    keep = json.loads(keras.Model(x := keras.Input((6, 6, 2), name="x"), keras.layers.Add(name="merge")([keras.layers.ReLU(name="a")(x), x])).to_json())
    last = keep["config"]["layers"][-1]
    name = layer["config"]["name"]
    keep["config"]["layers"][-1] = last | layer | {"name": name}
    keep["config"]["output_layers"] = [[name, 0, 0]]
    return keep


model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax", name="dense")])
DTYPE = json.loads(model.to_json())["config"]["dtype"]


def compiled(make):
    """The configuration of a training with what make gives."""
    model.compile(**({"optimizer": "sgd", "loss": "categorical_crossentropy"} | make()))
    return model.get_compile_config()


def each(kind, cls, make, extra=()):
    """Adds the cases of a class to out. make gives a configuration for a class and its arguments."""
    skipped, done = {}, set()
    for key, value, arguments in variants(cls, extra):
        try:
            text = json.dumps(make(cls, arguments))
        except (ValueError, TypeError, AttributeError) as e:  # Keras refuses the value
            if not key:
                raise
            skipped.setdefault(key, []).append(f"{short(value)}: {type(e).__name__} {str(e)[:80]}")
            continue
        done.add(key)
        what = f"{cls.__name__}({key}={short(value)!r})" if key else cls.__name__
        out.append({"what": what, "argument": key, "model": None, "training": None} | {kind: text})
    for key in sorted(set(skipped) - done):
        if key not in ("activity_regularizer", "trainable"):
            sys.exit(f"{cls.__name__} takes none of the values for {key}: {skipped[key]}")


def layer_model(cls, arguments):
    name = cls.__name__
    layer = serialize(cls(**arguments))
    if name in MERGED:
        return merged(layer)
    return sequential(layer, (6, 4) if "1D" in name else (4,) if name == "RepeatVector" else (6, 6, 4))


def dense_model(key):
    return lambda cls, arguments: sequential(serialize(keras.layers.Dense(4, **{key: cls(**arguments)})), (6, 6, 4))


classes = json.loads(pathlib.Path(sys.argv[1]).read_text())
for name in classes["layers"]:
    each("model", getattr(keras.layers, name), layer_model, LAYER)
for kind in ("initializer", "regularizer", "constraint"):
    for name in classes[kind + "s"]:
        each("model", getattr(getattr(keras, kind + "s"), name), dense_model("kernel_" + kind))
for name in classes["optimizers"]:
    each("training", getattr(keras.optimizers, name), lambda cls, a: compiled(lambda: {"optimizer": cls(**a)}), ["weight_decay"])
for name in classes["losses"]:
    each("training", getattr(keras.losses, name), lambda cls, a: compiled(lambda: {"loss": cls(**a)}), ["dtype"])
for name in classes["metrics"]:
    each("training", getattr(keras.metrics, name), lambda cls, a: compiled(lambda: {"metrics": [cls(**a)]}), ["dtype"])
print("RESULT " + json.dumps(out))
