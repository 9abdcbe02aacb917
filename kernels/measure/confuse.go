package measure

import "github.com/meseta-go/meseta/kernels/cpu"

// Confuse adds to a confusion matrix. See ops.Confuse.
type Confuse struct {
	*counter
	predicted, labels []int32
	weights           []float32
}

// NewConfuse makes a Confuse of n samples of each labels below classes. Its error wraps ops.ErrShape if there are none.
func NewConfuse(dev *cpu.Device, n, each, classes int) (*Confuse, error) {
	x := &Confuse{}
	var err error
	x.counter, err = newCounter(dev, "confuse", n, each, classes*classes, func(counts []float64, from, to int) {
		for s := from; s < to; s++ {
			w := weight(x.weights, s)
			predicted, labels := x.predicted[s*each:][:each], x.labels[s*each:][:each]
			for i, p := range predicted {
				if l := labels[i]; uint(l) < uint(classes) && uint(p) < uint(classes) {
					counts[int(l)*classes+int(p)] += w
				}
			}
		}
	})
	return x, err
}

// Run adds to sums [classes,classes] the labels and predicted [n,each] with weights [n], or 1 where that is nil.
func (x *Confuse) Run(sums []float64, predicted, labels []int32, weights []float32, workspace []float64) {
	x.predicted, x.labels, x.weights = predicted, labels, weights
	x.run(sums, workspace)
}
