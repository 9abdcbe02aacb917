"""Every activation by its name, and the layers that are activations."""
from keras import Sequential, constraints, initializers
from keras import layers as L

ROW = (40,)
IMAGE = (3, 4, 6)
NAMES = [
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "tanh", "softplus", "softsign", "exponential",
    "hard_sigmoid", "hard_silu", "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink", "log_sigmoid", "squareplus", "sparse_plus", "sparse_sigmoid",
    "softmax", "log_softmax", "glu", "swish", "hard_swish",
]


def one(shape, layer):
    return lambda: Sequential([L.Input(shape), layer()])


def named(name):
    return lambda: Sequential([L.Input(ROW), L.Rescaling(3.0), L.Activation(name)])  # as far as both ends of a function


CASES = {name: named(name) for name in NAMES} | {
    # Where one score stands out, Keras's sparsemax is what it should be; else its threshold is off (see package layers).
    "sparsemax_one": lambda: Sequential([L.Input(ROW), L.Rescaling(1000.0), L.Activation("sparsemax")]),
    "image_softmax": one(IMAGE, lambda: L.Activation("softmax")),
    "image_log_softmax": one(IMAGE, lambda: L.Activation("log_softmax")),
    "image_glu": one(IMAGE, lambda: L.Activation("glu")),
    "dense_gelu": one((7,), lambda: L.Dense(5, activation="gelu")),
    "conv2d_silu": one(IMAGE, lambda: L.Conv2D(5, 2, activation="silu")),
    "conv2d_softmax": one(IMAGE, lambda: L.Conv2D(5, 2, activation="softmax")),
    "layer_relu": one(ROW, lambda: L.ReLU()),
    "layer_relu_max": one(ROW, lambda: L.ReLU(max_value=0.8)),
    "layer_relu6": one(ROW, lambda: L.ReLU(max_value=6)),
    "layer_relu_slope": one(ROW, lambda: L.ReLU(negative_slope=0.1)),
    "layer_relu_threshold": one(ROW, lambda: L.ReLU(threshold=0.5)),
    "layer_relu_all": one(ROW, lambda: L.ReLU(max_value=1.1, negative_slope=0.25, threshold=0.5)),
    "layer_leaky_relu": one(ROW, lambda: L.LeakyReLU()),
    "layer_leaky_relu_slope": one(ROW, lambda: L.LeakyReLU(negative_slope=0.01)),
    "layer_elu": one(ROW, lambda: L.ELU()),
    "layer_elu_alpha": one(ROW, lambda: L.ELU(alpha=0.5)),
    "layer_prelu": one(IMAGE, lambda: L.PReLU()),
    "layer_prelu_shared": one(IMAGE, lambda: L.PReLU(shared_axes=[1, 2])),
    "layer_prelu_rows": one(IMAGE, lambda: L.PReLU(
        shared_axes=[2], alpha_initializer=initializers.Constant(0.25), alpha_regularizer="l2", alpha_constraint=constraints.NonNeg())),
    "layer_softmax": one(IMAGE, lambda: L.Softmax()),
    "layer_softmax_first": one(IMAGE, lambda: L.Softmax(axis=1)),
    "layer_softmax_middle": one(IMAGE, lambda: L.Softmax(axis=-2)),
}
