// Command _asm writes the assembly under kernels/: a file of Plan 9 assembly and a file of Go declarations for each family
// of kernels and instruction set. The files are committed; check.sh fails when they are not what this program writes.
//
// # Adding a family
//
// Put one file here, say norm.go, whose init registers a function, and in it build files and the functions in them:
//
//	func init() { register("norm", normFiles) }
//
//	func normFiles() []*File {
//		var files []*File
//		for _, v := range []*Vectors{AVX2, AVX512} {
//			f := NewFile("norm", "norm_"+v.Name, v) // kernels/norm/norm_avx2_amd64.s and .go
//			f.Func("scale"+v.Suffix, "scale… is dst[i] = a*src[i].", "dst, src *float32, n int, a float32", 0, func(a *Asm) { … })
//			files = append(files, f)
//		}
//		return files
//	}
//
// emit.go is the emitter, amd64.go the vector instructions of AVX2 and AVX-512 under common names. With NEON among the Vectors the family comes
// out for arm64 too: arm64.go lowers what it knows, and panics at what it does not. `go generate ./kernels` writes all families, `go run . norm` (in this folder) one.
//
// Loops over functions of elements need no code here: formula.go reads them in Go, from kernels/vec/math.go and the tables of loops.go and vec_scores.go,
// formula_amd64.go gives them registers and instructions, formula_loop.go writes the loop around them.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// families are the registered generators by name.
var families = map[string]func() []*File{}

// register names a family; each file of this folder that describes one calls it from init.
func register(name string, files func() []*File) { families[name] = files }

func main() {
	names := os.Args[1:]
	if len(names) == 0 {
		for name := range families {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	for _, name := range names {
		files, ok := families[name]
		if !ok {
			fail(fmt.Errorf("no family %q", name))
		}
		for _, f := range files() {
			if err := f.Write(filepath.Join("..", f.dir)); err != nil {
				fail(err)
			}
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "_asm:", err)
	os.Exit(1)
}
