"""Keras on TensorFlow on the workloads of the bench contract: prints one JSON line for one model and mode.

Training times epochs of 20 batches of fit(), the usual way, which is faster a step than train_on_batch(). Inference times
the compiled call on a tensor."""
import os

import step_clock

MODELS = ["mnist-cnn", "resnet20"]
STEPS = 20
args = step_clock.arguments(MODELS)
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", OMP_NUM_THREADS=str(args.threads))

import keras  # noqa: E402, the environment is read when it loads
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers as L  # noqa: E402


def mnist_cnn(x):
    x = L.Conv2D(32, 3, activation="relu")(x)
    x = L.Conv2D(64, 3, activation="relu")(x)
    x = L.Flatten()(L.Dropout(0.25)(L.MaxPooling2D(2)(x)))
    return L.Dense(10)(L.Dropout(0.5)(L.Dense(128, activation="relu")(x)))


def conv_norm(x, filters, size, stride):
    x = L.Conv2D(filters, size, stride, padding="same", use_bias=False)(x)
    return L.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def resnet20(x):
    x = L.ReLU()(conv_norm(x, 16, 3, 1))
    for filters in (16, 32, 64):
        for block in range(3):
            stride = 2 if filters > 16 and block == 0 else 1
            y = conv_norm(L.ReLU()(conv_norm(x, filters, 3, stride)), filters, 3, 1)
            x = L.ReLU()(L.Add()([y, conv_norm(x, filters, 1, stride) if stride != 1 else x]))
    return L.Dense(10)(L.GlobalAveragePooling2D()(x))


# name: network, one sample as H, W, C, classes, batch, optimizer. A further workload is one more line.
WORKLOADS = {
    "mnist-cnn": (mnist_cnn, (28, 28, 1), 10, 128, lambda: keras.optimizers.Adam(1e-3)),
    "resnet20": (resnet20, (32, 32, 3), 10, 128, lambda: keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=1e-4)),
}


def main():
    build, sample, classes, batch, optimizer_of = WORKLOADS[args.model]
    batch = args.batch or batch
    if args.image:
        sample = (args.image, args.image, sample[2])
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(1)
    source = keras.Input(sample)
    model = keras.Model(source, build(source))
    x = np.random.default_rng(1).standard_normal((batch, *sample)).astype("float32")
    labels = np.random.default_rng(2).integers(0, classes, batch)

    if args.mode == "train":
        model.compile(optimizer_of(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        batches = tf.data.Dataset.from_tensors((tf.constant(x), tf.constant(labels))).repeat(STEPS)

        def step():
            return model.fit(batches, verbose=0).history["loss"][-1]
        calls = STEPS
    else:
        compiled, tensor = tf.function(lambda t: model(t, training=False)), tf.constant(x)

        def step():
            compiled(tensor).numpy()
            return 0.0
        calls = 1

    step_clock.measure(step, args, batch, calls, params=sum(int(np.prod(v.shape)) for v in model.trainable_variables),
                       peer="keras-tensorflow", version=f"{keras.__version__}/{tf.__version__}", layout="channels_last")


main()
