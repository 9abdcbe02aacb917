module github.com/meseta-go/meseta/kernels/_asm

go 1.26.0
