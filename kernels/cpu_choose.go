package kernels

import (
	"fmt"

	"github.com/meseta-go/meseta/ops"
)

// Choose picks the kernel of an operation. Each family has a file with a case for each of its operators; a family that does not know the
// operator says nothing.
func (c *CPU) Choose(o ops.Operator, in, out []ops.Type) (Kernel, error) {
	for _, choose := range [...]func(ops.Operator, []ops.Type, []ops.Type) (Kernel, error){
		c.chooseConv, c.chooseNorm, c.choosePool, c.chooseElementwise, c.chooseNoise, c.chooseArrange, c.chooseLoss, c.chooseMeasure, c.chooseUpdate,
	} {
		if k, err := choose(o, in, out); k != nil || err != nil {
			return k, err
		}
	}
	return nil, fmt.Errorf("kernels: %s on the CPU: %w", o.Name(), ErrUnsupported)
}
