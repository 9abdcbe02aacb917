package plan

import (
	"unsafe"

	"github.com/meseta-go/meseta/kernels"
)

// Step is a run of a program. What it left can be asked for once Wait has returned, until as many steps were started behind it as the session's Depth.
type Step struct {
	program *Program
	pipe    kernels.Pipe
	run     int
}

// Places of what a pipe gives to the host.
const (
	lossesOut  = iota // of each sample
	outcomeOut        // of training: whether it was applied, and all sums
)

// Wait waits until the step is over, and says what went wrong.
func (s Step) Wait() error { return s.pipe.Wait(s.run) }

// MeanLoss copies the loss of every sample of the batch to each [Batch] and returns their mean. There are none in Inference programs.
func (s Step) MeanLoss(each []float32) float64 {
	copy(octets(each), s.pipe.Out(s.run, lossesOut))
	sum := 0.0
	for _, x := range each {
		sum += float64(x)
	}
	return sum / float64(len(each))
}

// Applied says whether a training step changed the weights: it did not if a loss or gradient was not finite, or if that of a step before was not and
// Session.Resume was not called since.
func (s Step) Applied() bool { return numbers[int32](s.pipe.Out(s.run, outcomeOut))[0] != 0 }

// Means is Session.Means as it was after a training step.
func (s Step) Means(dst []float64) {
	out, session := s.pipe.Out(s.run, outcomeOut), s.program.session
	for i, b := range session.at.sums {
		from := b.Offset - session.at.outcome.Offset
		dst = session.sums[i].results(dst, numbers[float64](out[from:from+b.Bytes]))
	}
}

// numbers views bytes as numbers, without copying.
func numbers[T number](b []byte) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(t)))
}
