"""Keras on TensorFlow on the real MNIST of bench/race.sh: prints a line of JSON for each epoch, with the keys of bench/race.

Training is fit(), the usual way, on arrays of numbers from 0 to 1."""
import json
import os

import race_common

args = race_common.arguments()
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

import keras  # noqa: E402, the environment is read when it loads
import tensorflow as tf  # noqa: E402
from keras import layers as L  # noqa: E402

BATCH = 128


class Lines(keras.callbacks.Callback):
    """Measures the test images after each epoch, outside of fit's own validation so that it can be timed, and stops at the goal."""

    def __init__(self, test):
        super().__init__()
        self.test, self.clock = test, race_common.Clock()

    def on_epoch_end(self, epoch, logs):
        with self.clock.evaluation():
            loss, accuracy = self.model.evaluate(*self.test, batch_size=BATCH, verbose=0)
        print(json.dumps(dict(epoch=epoch + 1, steps=int(self.model.optimizer.iterations), loss=logs["loss"], accuracy=logs["accuracy"],
                              test_loss=loss, test_accuracy=accuracy, **self.clock.times())), flush=True)
        self.model.stop_training = bool(args.goal) and accuracy >= args.goal


def main():
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(args.seed)
    (x, y), (test_x, test_y) = race_common.data(args)
    model = keras.Sequential([
        keras.Input((28, 28, 1)), L.Conv2D(32, 3, activation="relu"), L.Conv2D(64, 3, activation="relu"), L.MaxPooling2D(2), L.Dropout(0.25),
        L.Flatten(), L.Dense(128, activation="relu"), L.Dropout(0.5), L.Dense(10)])
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(x.astype("float32") / 255, y, batch_size=BATCH, epochs=args.epochs, verbose=0, callbacks=[Lines((test_x.astype("float32") / 255, test_y))])


if args.task != "mnist":
    raise SystemExit("race_keras.py races on mnist only")
main()
