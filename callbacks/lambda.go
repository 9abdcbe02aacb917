package callbacks

import (
	"errors"
	"fmt"
)

// Lambda calls functions of one's own as things happen. Lambdas run after all other callbacks, in list order: they alone
// may depend on it. A nil function is not called; an error ends the run. It has no configuration form.
//
// Keras: callbacks.LambdaCallback. What should decide about the run (stop it, save) is a Callback with an EpochDecider or
// a BatchDecider.
type Lambda struct {
	OnTrainBegin func(e Event) error
	OnEpochBegin func(e Event) error
	OnBatchEnd   func(e Event) error // after every update
	OnTestBegin  func(e Event) error
	OnTestEnd    func(e Event) error
	OnEpochEnd   func(e Event) error // after what was decided has been done
	OnTrainEnd   func(e Event) error // on every way out
}

// Name returns lambda.
func (*Lambda) Name() string { return "lambda" }

func (c *Lambda) function(kind EventKind) func(Event) error {
	switch kind {
	case TrainBegin:
		return c.OnTrainBegin
	case EpochBegin:
		return c.OnEpochBegin
	case BatchEnd:
		return c.OnBatchEnd
	case TestBegin:
		return c.OnTestBegin
	case TestEnd:
		return c.OnTestEnd
	case EpochEnd:
		return c.OnEpochEnd
	case TrainEnd:
		return c.OnTrainEnd
	default:
		return nil
	}
}

// Begin wants one function at least.
func (c *Lambda) Begin(*Setup) error {
	for kind := TrainBegin; kind <= TrainEnd; kind++ {
		if c.function(kind) != nil {
			return nil
		}
	}
	return errors.New("callbacks: Lambda: no function is set; set OnEpochEnd, say, or remove it")
}

// Watch calls the function for e.
func (c *Lambda) Watch(e Event) error {
	f := c.function(e.Kind)
	if f == nil {
		return nil
	}
	if err := f(e); err != nil {
		return fmt.Errorf("epoch %d: %w", e.Epoch+1, err)
	}
	return nil
}
