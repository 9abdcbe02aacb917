// Package mnist holds the MNIST handwritten digits: 60,000 training and 10,000 test images of 28x28x1 in 10 classes,
// embedded in the program (README.md names the authors, the licence and the sums).
//
// It adds 11 MB to a program, so only commands and examples import it.
package mnist

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/meseta-go/meseta/data"
)

//go:embed train-images-idx3-ubyte.gz
var trainImages []byte

//go:embed train-labels-idx1-ubyte.gz
var trainLabels []byte

//go:embed t10k-images-idx3-ubyte.gz
var testImages []byte

//go:embed t10k-labels-idx1-ubyte.gz
var testLabels []byte

// Load starts decompressing both sets in parallel and returns at once: a program that calls it before it compiles its
// model finds them ready. Train and Test call it themselves.
func Load() {
	train.start.Do(func() { go train.decode(trainImages, trainLabels) })
	test.start.Do(func() { go test.decode(testImages, testLabels) })
}

// Train gives the 60,000 training images. Every call gives the same value, whose 47 MB stay in memory.
func Train() (*data.Images, error) {
	Load()
	return train.wait()
}

// Test gives the 10,000 test images. Every call gives the same value.
func Test() (*data.Images, error) {
	Load()
	return test.wait()
}

// set is one of the two halves, decoded once.
type set struct {
	start  sync.Once
	done   chan struct{}
	images *data.Images
	err    error
}

var (
	train = set{done: make(chan struct{})}
	test  = set{done: make(chan struct{})}
)

func (s *set) wait() (*data.Images, error) {
	<-s.done
	return s.images, s.err
}

func (s *set) decode(images, labels []byte) {
	defer close(s.done)
	s.images, s.err = decode(images, labels)
	if s.err != nil {
		s.err = fmt.Errorf("mnist: the program is damaged: %w", s.err)
	}
}

func decode(images, labels []byte) (*data.Images, error) {
	x, err := data.DecodeIDX(images)
	if err != nil {
		return nil, err
	}
	y, err := data.DecodeIDX(labels)
	if err != nil {
		return nil, err
	}
	return data.JoinIDX(x, y)
}
