"""Makes NAME_initial.h5 (a compiled model as Keras saves it) and NAME_steps.h5 (ten training steps of it: data, losses,
final weights, predictions) with the real Keras. Usage: python make_steps.py [NAME...], in this directory."""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import h5py
import keras
import numpy as np
from keras import layers as L


def small():
    return keras.Sequential([
        L.Input((12, 12, 1)),
        L.Rescaling(2.0, offset=-1.0),
        L.Conv2D(8, 3, activation="relu"),
        L.Conv2D(12, 3, padding="same", strides=2, activation="relu"),
        L.MaxPooling2D(),
        L.Flatten(),
        L.Dense(16, activation="relu"),
        L.Dense(5, activation="softmax"),
    ], name="small"), keras.optimizers.Adam(0.01)


def residual():
    def norm(x, filters, size, stride, name):
        x = L.Conv2D(filters, size, strides=stride, padding="same", use_bias=False, name=name)(x)
        return L.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name + "_norm")(x)

    i = L.Input((9, 9, 3), name="image")
    x = L.ReLU(name="stem_relu")(norm(i, 8, 3, 1, "stem"))
    y = L.ReLU(name="a_relu")(norm(x, 8, 3, 1, "a1"))
    x = L.ReLU(name="a_out")(L.Add(name="a_add")([norm(y, 8, 3, 1, "a2"), x]))
    y = L.ReLU(name="b_relu")(norm(x, 12, 3, 2, "b1"))
    x = L.ReLU(name="b_out")(L.Add(name="b_add")([norm(y, 12, 3, 1, "b2"), norm(x, 12, 1, 2, "b_shortcut")]))
    x = L.GlobalAveragePooling2D(name="pool")(x)
    x = L.Dense(5, name="head")(x)
    return keras.Model(i, x, name="residual"), keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)


def dense():
    """Channels side by side, and zeros around images: before a convolution, and where none follows."""
    i = L.Input((8, 8, 2), name="image")
    x = L.ZeroPadding2D(((1, 2), (0, 3)), name="pad")(i)
    x = L.Conv2D(5, 3, strides=2, activation="relu", name="a")(x)
    y = L.Conv2D(3, 3, padding="same", activation="relu", name="b")(x)
    x = L.Concatenate(name="join")([x, y, x])
    x = L.ZeroPadding2D(1, name="frame")(x)
    x = L.Cropping2D(((0, 1), (2, 0)), name="crop")(x)
    x = L.Conv2D(8, 1, padding="same", name="c")(x)
    x = L.GlobalAveragePooling2D(name="pool")(x)
    x = L.Dense(5, activation="softmax", name="head")(x)
    return keras.Model(i, x, name="dense"), keras.optimizers.Adam(0.01)


def penalized():
    """Each regularizer and each constraint, along several axes."""
    R, C = keras.regularizers, keras.constraints
    return keras.Sequential([
        L.Input((6, 6, 2)),
        L.Conv2D(6, 3, activation="relu", kernel_regularizer=R.L2(0.02), bias_regularizer=R.L1(0.05),
                 kernel_constraint=C.MaxNorm(0.8, axis=[0, 1, 2]), bias_constraint=C.NonNeg()),
        L.BatchNormalization(momentum=0.9, epsilon=1e-3, gamma_regularizer=R.L2(0.05), beta_regularizer=R.L1L2(0.01, 0.02),
                             gamma_constraint=C.MinMaxNorm(0.5, 2.0, rate=0.5), beta_constraint=C.MaxNorm(0.1)),
        L.Flatten(),
        L.Dense(8, activation="relu", kernel_regularizer=R.L1L2(0.003, 0.01), kernel_constraint=C.UnitNorm(axis=-1)),
        L.Dense(5, activation="softmax", kernel_regularizer=R.L1(0.01), kernel_constraint=C.MinMaxNorm(0.9, 1.1, axis=0)),
    ], name="penalized"), keras.optimizers.Adam(0.01)


def network(name, **limits):
    return keras.Sequential([
        L.Input((6, 6, 2)),
        L.Conv2D(4, 3, activation="relu"),
        L.BatchNormalization(momentum=0.9),
        L.Flatten(),
        L.Dense(8, activation="relu", **limits),
        L.Dense(12, activation="relu"),
        L.Dense(5, activation="softmax", name="head"),
    ], name=name)


def clipped():
    return network("clipped"), keras.optimizers.SGD(0.2, momentum=0.9, global_clipnorm=0.5)


def averaged():
    return network("averaged"), keras.optimizers.Adam(0.01, clipnorm=0.2, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=4)


def accumulated():
    """Averages and constraints follow at every step, the update at every third."""
    return network("accumulated", kernel_constraint=keras.constraints.MaxNorm(0.5)), keras.optimizers.Nadam(
        0.02, clipvalue=0.03, gradient_accumulation_steps=3, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=2, weight_decay=0.1)


def lamb():
    return network("lamb"), keras.optimizers.Lamb(0.02, weight_decay=0.1)


def muon():
    return network("muon"), keras.optimizers.Muon(0.02, exclude_layers=["head"], adam_lr_ratio=0.5)


def convolutions():
    """Convolutions in groups, of each channel, dilated, transposed."""
    return keras.Sequential([
        L.Input((10, 11, 4)),
        L.Conv2D(8, 3, padding="same", groups=2, activation="relu"),
        L.ZeroPadding2D(1),
        L.DepthwiseConv2D(3, strides=2, depth_multiplier=2, activation="relu"),
        L.BatchNormalization(momentum=0.9, epsilon=1e-3),
        L.SeparableConv2D(6, 3, padding="same", activation="relu"),
        L.Conv2DTranspose(5, 3, strides=2, padding="same", activation="relu"),
        L.Conv2D(6, 3, dilation_rate=2, use_bias=False),
        L.DepthwiseConv2D(3, padding="same", use_bias=False),
        L.GlobalAveragePooling2D(),
        L.Dense(5, activation="softmax"),
    ], name="convolutions"), keras.optimizers.SGD(0.1, momentum=0.9)


def merging():
    """Inputs that are broadcast, on both sides of functions that work in place, and learnt slopes."""
    i = L.Input((6, 6, 3), name="image")
    x = L.Conv2D(8, 3, activation="gelu", name="a")(i)
    x = L.PReLU(shared_axes=[1, 2], name="slopes")(x)
    s = L.GlobalAveragePooling2D(name="squeeze")(x)
    s = L.Dense(8, activation="sigmoid", name="excite")(L.Dense(4, activation="silu", name="middle")(s))
    y = L.Multiply(name="scale")([s, x])
    p = L.Conv2D(1, 1, activation="tanh", name="plane")(y)
    x = L.Average(name="mean")([y, p, x])
    x = L.Maximum(name="larger")([x, s])
    x = L.Dense(6, activation="mish", name="rows")(x)
    x = L.LeakyReLU(negative_slope=0.1, name="leaky")(x)
    q = L.Reshape((16, 6), name="pixels")(x)
    x = L.Dot(axes=(1, 1), normalize=True, name="gram")([q, q])
    x = L.Subtract(name="centered")([x, L.Permute((2, 1), name="turned")(L.Activation("softplus", name="soft")(x))])
    x = L.Concatenate(axis=1, name="below")([x, q])
    x = L.Dense(5, activation="softmax", name="head")(L.Flatten(name="flat")(x))
    return keras.Model(i, x, name="merging"), keras.optimizers.Adam(0.01)


def excluded():
    """The test says what is excluded, as files do not."""
    optimizer = keras.optimizers.AdamW(0.02, weight_decay=0.3)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma|beta"])
    return network("excluded"), optimizer


MODELS = [small, residual, dense, penalized, clipped, averaged, accumulated, lamb, muon, convolutions, merging, excluded]
for seed, make in enumerate(MODELS):
    if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
        continue
    keras.utils.set_random_seed(seed)
    model, optimizer = make()
    name = model.name
    from_logits = name == "residual"
    model.compile(optimizer=optimizer, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits), metrics=["accuracy"])
    rng = np.random.default_rng(seed)
    shape = model.input_shape[1:]
    x = rng.normal(size=(10, 16) + shape).astype("float32")
    y = rng.integers(0, 5, size=(10, 16)).astype("int32")
    model.save(f"{name}_initial.h5")
    initial_predictions = model.predict(x[0], verbose=0)
    losses = []
    for k in range(10):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(x[k], y[k])[0]))
    with h5py.File(f"{name}_steps.h5", "w", libver="earliest") as f:
        f.attrs["keras_version"] = keras.__version__
        f["x"], f["y"], f["losses"] = x, y, np.array(losses)
        f["initial_predictions"] = initial_predictions
        f["predictions"] = model.predict(x[0], verbose=0)
        f["evaluation"] = np.array(model.evaluate(x.reshape((160,) + shape), y.reshape(160), verbose=0, batch_size=16))
        for layer in model.layers:
            for w in layer.weights:
                f[f"final/{layer.name}/{w.name}"] = w.numpy()
        if optimizer.use_ema:
            paths = [f"{layer.name}/{w.name}" for layer in model.layers for w in layer.trainable_weights]
            for path, average in zip(paths, optimizer._model_variables_moving_average):
                f[f"averages/{path}"] = average.numpy()
    print(name, keras.__version__, losses)
