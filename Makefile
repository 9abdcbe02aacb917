# Go builds everything but bin/meseta-cuda without help: go build ./cmd/meseta. CONTRIBUTING.md says what has to pass.

# The command for NVIDIA GPUs. It needs a C compiler and NVIDIA's headers: those of a toolkit that is installed, or of PyPI's wheel (python3). The program needs neither:
# only the C library to start, and a driver to use a GPU. Kernels are assembled for each kind of GPU where PyPI gives the assembler (120 MB, once); elsewhere they are
# PTX alone, which drivers compile.
.PHONY: cuda
cuda:
	flags=$$(gpu/_headers/cflags.sh) && tags=$$(kernels/_cuda/cubins.sh) && CGO_ENABLED=1 CGO_CFLAGS="$$flags" go build -trimpath -tags "$$tags" -ldflags '-s -w' -o bin/meseta-cuda ./cmd/meseta

# bin/bench-gpu.tar.xz, to be carried to a machine with an NVIDIA GPU, where it tests and measures: bench/gpu/README.md.
.PHONY: bench-gpu
bench-gpu:
	bench/gpu/pack.sh

# The tests of everything that needs a GPU, on a driver that runs the kernels on the host: Linux on amd64, g++.
.PHONY: test-emulated
test-emulated:
	gpu/emulated/test.sh
