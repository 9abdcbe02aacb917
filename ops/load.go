package ops

// Load is how a convolution takes its src: as it lies there or, with Normalize, as a BatchNorm without a residual would leave it,
// act(gamma·(src-mean)·invStd + beta), rounded as there; padding stays 0. So that need not be written, where nobody else reads it.
//
// Normalize wants four inputs more, behind the others: mean, invStd, gamma and beta, each [C].
type Load struct {
	Normalize  bool
	Activation Activation // with Normalize: Linear, ReLU or ReLU6
}

func (l Load) String() string {
	if !l.Normalize {
		return ""
	}
	return " of batchnorm" + fusedAdd(false, l.Activation)
}

// loadVectors are the inputs that Normalize wants.
var loadVectors = [...]string{"mean", "invStd", "gamma", "beta"}

// check checks those inputs, which vectors begins with, for a src of c channels.
func (l Load) check(op string, vectors []Type, c int) error {
	if !l.Normalize {
		return nil
	}
	for i, name := range loadVectors {
		if err := vector(op, name, vectors[i], c); err != nil {
			return err
		}
	}
	return nil
}
