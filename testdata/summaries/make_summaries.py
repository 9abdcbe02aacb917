"""Makes NAME-COLUMNS.txt, the summary of a network on a terminal that wide, and NAME.json, the network where meseta has none of that name,
with the real Keras.
Usage: python make_summaries.py, in this directory."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
from keras import layers as L


def mnist_cnn():
    return keras.Sequential([
        L.Input((28, 28, 1)),
        L.Conv2D(32, 3, activation="relu"),
        L.Conv2D(64, 3, activation="relu"),
        L.MaxPooling2D(2),
        L.Dropout(0.25),
        L.Flatten(),
        L.Dense(128, activation="relu"),
        L.Dropout(0.5),
        L.Dense(10, activation="softmax"),
    ], name="mnist-cnn")


def resnet20():
    def norm(x, filters, size, stride, name):
        x = L.Conv2D(filters, size, strides=stride, padding="same", use_bias=False, name=name + "_conv")(x)
        return L.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name + "_norm")(x)

    i = L.Input((32, 32, 3))
    x = L.ReLU(name="stem_relu")(norm(i, 16, 3, 1, "stem"))
    for stage, filters in enumerate([16, 32, 64]):
        for block in range(3):
            name = f"stage{stage + 1}_block{block + 1}"
            stride = 2 if stage > 0 and block == 0 else 1
            y = L.ReLU(name=name + "_1_relu")(norm(x, filters, 3, stride, name + "_1"))
            y = norm(y, filters, 3, 1, name + "_2")
            if stride == 2:
                x = norm(x, filters, 1, stride, name + "_shortcut")
            x = L.ReLU(name=name + "_relu")(L.Add(name=name + "_add")([y, x]))
    x = L.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(i, L.Dense(10, activation="softmax", name="head")(x), name="resnet20")


def join():
    """Long names, many inputs, and no weight that is not trained."""
    i = L.Input((32, 32, 3), name="in")
    a = L.Conv2D(8, 3, padding="same", use_bias=False, name="a_rather_long_name_of_a_layer_with_a_convolution")(i)
    b = L.Conv2D(8, 1, name="b")(a)
    x = L.Concatenate(name="j")([a, b, i, a])
    x = L.GlobalAveragePooling2D(name="exactly_nineteen_ch")(x)
    return keras.Model(i, L.Dense(1000, name="d")(x), name="join")


def chain():
    """Functional, but no layer has two readers: it is summarized as a sequence."""
    i = L.Input((4, 4, 1), name="image")
    x = L.BatchNormalization()(L.Conv2D(2, 3)(i))
    return keras.Model(i, L.Flatten()(x), name="chain")


for make in [mnist_cnn, resnet20, join, chain]:
    keras.utils.clear_session()
    model = make()
    if make in (join, chain):
        with open(model.name + ".json", "w") as file:
            file.write(model.to_json())
    for columns in [80, 160] if make == resnet20 else [44, 60, 80, 100, 160]:
        os.environ["COLUMNS"] = str(columns)
        with open(f"{model.name}-{columns}.txt", "w") as file:
            model.summary(print_fn=lambda text: file.write(text))
