package schedules

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// torchCase is a scheduler of PyTorch with the rates of the first updates; testdata/make_torch_goldens.py wrote it.
type torchCase struct {
	Arguments struct {
		StepSize       int     `json:"step_size"`
		Gamma          float64 `json:"gamma"`
		MaxLR          float64 `json:"max_lr"`
		TotalSteps     int     `json:"total_steps"`
		PctStart       float64 `json:"pct_start"`
		Anneal         string  `json:"anneal_strategy"`
		DivFactor      float64 `json:"div_factor"`
		FinalDivFactor float64 `json:"final_div_factor"`
		ThreePhase     bool    `json:"three_phase"`
		BaseLR         float64 `json:"base_lr"`
		StepSizeUp     int     `json:"step_size_up"`
		Mode           string  `json:"mode"`
	}
	Rates []float64
}

// What Keras does not have is held against PyTorch.
func TestRatesArePyTorch(t *testing.T) {
	for name, build := range map[string]func(c torchCase) Schedule{
		"StepLR": func(c torchCase) Schedule { return Step{Factor: c.Arguments.Gamma, StepSize: c.Arguments.StepSize} },
		"OneCycleLR": func(c torchCase) Schedule {
			a := c.Arguments
			return OneCycle{
				MaxLR: a.MaxLR, TotalSteps: a.TotalSteps, PctStart: a.PctStart, DivFactor: a.DivFactor, FinalDivFactor: a.FinalDivFactor,
				ThreePhase: a.ThreePhase, Shape: map[string]Shape{"cos": CosineShape, "linear": LinearShape}[a.Anneal],
			}
		},
		"CyclicLR": func(c torchCase) Schedule {
			a := c.Arguments
			t := Triangular{BaseLR: a.BaseLR, MaxLR: a.MaxLR, StepSize: a.StepSizeUp}
			switch a.Mode {
			case "triangular":
				return t
			case "triangular2":
				return Triangular2(t)
			default:
				return ExpRange{BaseLR: a.BaseLR, MaxLR: a.MaxLR, StepSize: a.StepSizeUp, Gamma: a.Gamma}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range readGolden[torchCase](t, "torch.json", name) {
				schedule := build(c)
				require.NoError(t, schedule.Check(Position{StepsPerEpoch: 5, Base: 0.1}))
				for step, want := range c.Rates {
					assert.InDelta(t, want, schedule.Rate(Position{Step: step, Base: 0.1}), 1e-12, "%+v at %d", schedule, step)
				}
			}
		})
	}
}
