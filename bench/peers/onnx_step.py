"""ONNX Runtime on a file that onnx_export.py wrote: prints one JSON line. Inference only; PyTorch is not loaded, so memory and first
step are ONNX Runtime's own. The file knows neither the network's name nor its trainable parameters, which are told."""
import step_clock

args = step_clock.arguments(files=True)
if args.mode != "infer":
    raise SystemExit("onnx_step.py: ONNX Runtime does not train; give --mode infer")

import numpy as np  # noqa: E402, what is loaded before the first step counts, the arguments' mistakes need not wait for it
import onnxruntime  # noqa: E402


def main():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(args.file, options, providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    x = np.random.default_rng(1).standard_normal(source.shape).astype("float32")

    def step():
        session.run(None, {source.name: x})
        return 0.0

    step_clock.measure(step, args, source.shape[0], params=args.params, peer="onnxruntime", version=onnxruntime.__version__,
                       layout="contiguous")


main()
