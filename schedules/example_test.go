package schedules_test

import (
	"fmt"

	"github.com/meseta-go/meseta/schedules"
)

// The rate is halved every two epochs of 100 updates, from the optimizer's own.
func Example() {
	schedule := schedules.Step{Factor: 0.5, StepEpochs: 2}
	for epoch := range 6 {
		fmt.Print(schedule.Rate(schedules.Position{Epoch: epoch, Step: 100 * epoch, StepsPerEpoch: 100, Base: 0.1}), " ")
	}
	// Output: 0.1 0.1 0.05 0.05 0.025 0.025
}

// A warm-up multiplies whatever a schedule says.
func ExampleWarmUp() {
	warmUp := schedules.WarmUp{Steps: 4, From: 0.2}
	schedule := schedules.Constant{LearningRate: 1}
	for step := range 6 {
		at := schedules.Position{Step: step, StepsPerEpoch: 100, Base: 0.1}
		fmt.Printf("%.1f ", warmUp.Factor(at)*schedule.Rate(at))
	}
	// Output: 0.2 0.4 0.6 0.8 1.0 1.0
}
