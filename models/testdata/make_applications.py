"""Makes NAME.txt here: the weights of the same architecture in keras.applications, in its order. Usage: python make_applications.py, in this directory."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras

for name, model in {
    "mobilenet-v2": keras.applications.MobileNetV2(weights=None, input_shape=(96, 96, 3)),
    "resnet50": keras.applications.ResNet50(weights=None),
}.items():
    with open(name + ".txt", "w") as f:
        for layer in model.layers:
            for w in layer.weights:
                print(f"{layer.name}/{w.name} [{','.join(map(str, w.shape))}]", file=f)
    print(name, keras.__version__)
