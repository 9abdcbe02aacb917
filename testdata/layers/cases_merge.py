"""Layers that merge inputs, those that reshape, and Dense on more than one dimension."""
from keras import Input, Model, Sequential
from keras import layers as L

IMAGE = (3, 4, 6)


def one(shape, layer):
    return lambda: Sequential([L.Input(shape), layer()])


def merged(layer, *branches, shape=IMAGE):
    """branches: functions from the input to what is merged."""
    def build():
        x = Input(shape)
        return Model(x, layer()([branch(x) for branch in branches]))
    return build


def image(x):
    return L.Conv2D(6, 1)(x)


def pixel(x):  # [1,1,6]
    return L.GlobalAveragePooling2D(keepdims=True)(x)


def channels(x):  # [6]
    return L.Dense(6)(L.GlobalAveragePooling2D()(x))


def plane(x):  # [3,4,1]
    return L.Conv2D(1, 1)(x)


def column(x):  # [3,1,6]
    return L.AveragePooling2D((1, 4))(x)


def row(x):  # [4,6]
    return L.Reshape((4, 6))(L.AveragePooling2D((3, 1))(x))


def itself(x):
    return x


def narrow(x):  # [3,4,2]
    return L.Conv2D(2, 1)(x)


def flat(x):
    return L.Flatten()(x)


ELEMENTWISE = {"add": L.Add, "subtract": L.Subtract, "multiply": L.Multiply, "average": L.Average, "maximum": L.Maximum, "minimum": L.Minimum}

CASES = {name: merged(layer, image, itself) for name, layer in ELEMENTWISE.items()}
CASES |= {f"{name}_channels": merged(layer, channels, image) for name, layer in ELEMENTWISE.items()}
CASES |= {f"{name}_plane": merged(layer, image, plane) for name, layer in ELEMENTWISE.items()}
CASES |= {f"{name}_outer": merged(layer, column, row) for name, layer in ELEMENTWISE.items()}
CASES |= {f"{name}_several": merged(layer, pixel, image, plane, itself) for name, layer in ELEMENTWISE.items() if name != "subtract"}
CASES |= {
    "multiply_itself": merged(L.Multiply, itself, itself),
    "concatenate": merged(L.Concatenate, image, narrow, plane),
    "concatenate_rows": merged(lambda: L.Concatenate(axis=1), image, itself),
    "concatenate_columns": merged(lambda: L.Concatenate(axis=-2), image, column, itself),
    "concatenate_positive": merged(lambda: L.Concatenate(axis=3), image, narrow),
    "dot": merged(lambda: L.Dot(axes=1), lambda x: L.Dense(5)(flat(x)), lambda x: L.Dense(5)(flat(x))),
    "dot_normalized": merged(lambda: L.Dot(axes=-1, normalize=True), lambda x: L.Dense(5)(flat(x)), lambda x: L.Dense(5)(flat(x))),
    "dot_matrices": merged(lambda: L.Dot(axes=(2, 1)), row, lambda x: L.Dense(5)(L.Permute((2, 1))(row(x)))),
    "dot_transposed": merged(lambda: L.Dot(axes=(1, 2)), row, lambda x: L.Permute((2, 1))(row(x))),
    "dot_rows": merged(lambda: L.Dot(axes=2), row, row),
    "dot_columns": merged(lambda: L.Dot(axes=1, normalize=True), row, row),
    "dot_images": merged(lambda: L.Dot(axes=(2, 3)), image, lambda x: L.Permute((1, 3, 2))(image(x))),
    "dot_image_vector": merged(lambda: L.Dot(axes=(3, 1)), image, channels),
    "dot_vector_image": merged(lambda: L.Dot(axes=(1, 3)), channels, image),
    "squeeze_excite": merged(L.Multiply, image, lambda x: L.Dense(6, activation="sigmoid")(L.Dense(3, activation="relu")(L.GlobalAveragePooling2D()(x)))),
    "reshape": one(IMAGE, lambda: L.Reshape((6, 12))),
    "reshape_open": one(IMAGE, lambda: L.Reshape((2, -1, 4))),
    "reshape_then_conv": lambda: Sequential([L.Input((24,)), L.Reshape((3, 4, 2)), L.Conv2D(3, 2)]),
    "permute": one(IMAGE, lambda: L.Permute((3, 1, 2))),
    "permute_rows": one((5, 7), lambda: L.Permute((2, 1))),
    "repeat_vector": one((5,), lambda: L.RepeatVector(3)),
    "dense_rows": one((5, 7), lambda: L.Dense(4)),
    "dense_image": one(IMAGE, lambda: L.Dense(4, activation="relu")),
    "dense_image_softmax": one(IMAGE, lambda: L.Dense(4, activation="softmax", use_bias=False)),
}
