//go:build nvidia && cgo

package kernels

import (
	"archive/zip"
	"embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/meseta-go/meseta/gpu"
)

// The kernels, compiled from the .cu files beside them by _cuda. Drivers compile PTX when it is first loaded.
//
//go:embed */*.ptx
var ptx embed.FS

// cubins opens what `make cuda` has assembled of the PTX: nil where it could not. A file is family/file.sm_90.cubin.
var cubins = sync.OnceValues(func() (*zip.Reader, error) {
	if cubinsZip == "" {
		return nil, nil
	}
	z, err := zip.NewReader(strings.NewReader(cubinsZip), int64(len(cubinsZip)))
	if err != nil {
		return nil, fmt.Errorf("kernels: cubins.zip in this program is broken: %w; build it anew with `make cuda`", err)
	}
	return z, nil
})

// cubinDriver is the CUDA that a driver has to be of, to take the cubins of the assembler of CUDA 12.
const cubinDriver = 12000

// architecture is the one of those that there are cubins for, as 86 for compute capability 8.6, whose code a GPU is to run: the latest of its generation that is not
// later than itself. 0 means PTX: an older driver, another generation, or a GPU that is part of the host's processor, as on a Jetson, which runs code for itself
// alone (NVIDIA's "CUDA Programming Guide", Binary Compatibility).
func architecture(have []int, i gpu.Info, driver int) (best int) {
	if driver < cubinDriver || i.Integrated {
		return 0
	}
	for _, a := range have {
		if a/10 == i.Major && a%10 <= i.Minor {
			best = max(best, a)
		}
	}
	return best
}

// architectureOf is architecture for what is in this program, and the driver that there is.
func architectureOf(i gpu.Info) (int, error) {
	d, err := gpu.Find()
	if err != nil {
		return 0, err
	}
	z, err := cubins()
	if z == nil {
		return 0, err
	}
	var have []int
	for _, f := range z.File {
		_, name, _ := strings.Cut(strings.TrimSuffix(f.Name, ".cubin"), ".sm_")
		if a, err := strconv.Atoi(name); err == nil {
			have = append(have, a)
		}
	}
	return architecture(have, i, d.Version), nil
}

// codeOf gives the kernels of a file, family/file, for an architecture.
func codeOf(file string, arch int) ([]byte, error) {
	if arch == 0 {
		return ptx.ReadFile(file + ".ptx")
	}
	z, err := cubins()
	if err != nil {
		return nil, err
	}
	f, err := z.Open(fmt.Sprintf("%s.sm_%d.cubin", file, arch))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// CodeFor says in what form a GPU gets its kernels.
func CodeFor(i gpu.Info) string {
	arch, err := architectureOf(i)
	switch {
	case err != nil:
		return err.Error()
	case arch == 0:
		return "PTX, which the driver compiles when it is first used"
	}
	return fmt.Sprintf("cubins for sm_%d", arch)
}
