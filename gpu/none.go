//go:build !nvidia || !cgo

package gpu

// Built says whether this program can compute on GPUs.
const Built = false

// Find returns ErrNotBuilt.
func Find() (Driver, error) { return Driver{}, ErrNotBuilt }
