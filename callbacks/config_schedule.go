package callbacks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/meseta-go/meseta/schedules"
)

// scheduleField is the field type of LearningRateScheduler.Schedule.
type scheduleField = schedules.Schedule

// scheduleForm is one schedule with a configuration form: {exponential: {decay_rate: 0.5, …}}.
type scheduleForm struct {
	pointer    any // to the schedule
	parameters []parameter
	schedule   func() schedules.Schedule // with the parameters as they are now
}

// scheduleKind makes forms of one type of schedule.
type scheduleKind struct {
	name string
	open func(from schedules.Schedule) (scheduleForm, bool) // a new form, holding from unless it is nil; false if from is of another type
}

// scheduleOf is the kind of schedules of type S.
func scheduleOf[S schedules.Schedule](name string, defaults S, parameters func(*S) []parameter) scheduleKind {
	return scheduleKind{name, func(from schedules.Schedule) (scheduleForm, bool) {
		s := defaults
		switch from := any(from).(type) {
		case nil:
		case S:
			s = from
		case *S:
			s = *from
		default:
			return scheduleForm{}, false
		}
		return scheduleForm{&s, parameters(&s), func() schedules.Schedule { return s }}, true
	}}
}

// scheduleKinds are the schedules that a configuration can name, with Keras's or, for one_cycle, PyTorch's defaults.
var scheduleKinds = []scheduleKind{
	scheduleOf("constant", schedules.Constant{}, func(s *schedules.Constant) []parameter {
		return []parameter{{"learning_rate", &s.LearningRate}}
	}),
	scheduleOf("cosine", schedules.Cosine{}, func(s *schedules.Cosine) []parameter {
		return []parameter{
			{"initial_learning_rate", &s.InitialLearningRate}, {"decay_steps", &s.DecaySteps}, {"decay_epochs", &s.DecayEpochs}, {"alpha", &s.Alpha},
		}
	}),
	scheduleOf("cosine_restarts", schedules.NewCosineRestarts(), func(s *schedules.CosineRestarts) []parameter {
		return []parameter{
			{"initial_learning_rate", &s.InitialLearningRate}, {"first_decay_steps", &s.FirstDecaySteps}, {"first_decay_epochs", &s.FirstDecayEpochs},
			{"t_mul", &s.TMul}, {"m_mul", &s.MMul}, {"alpha", &s.Alpha},
		}
	}),
	scheduleOf("exp_range", schedules.ExpRange{}, func(s *schedules.ExpRange) []parameter {
		return append(cycleParameters(&s.BaseLR, &s.MaxLR, &s.StepSize, &s.StepEpochs), parameter{"gamma", &s.Gamma})
	}),
	scheduleOf("exponential", schedules.Exponential{}, func(s *schedules.Exponential) []parameter {
		return []parameter{
			{"initial_learning_rate", &s.InitialLearningRate}, {"decay_rate", &s.DecayRate}, {"decay_steps", &s.DecaySteps},
			{"decay_epochs", &s.DecayEpochs}, {"staircase", &s.Staircase},
		}
	}),
	scheduleOf("inverse_time", schedules.InverseTime{}, func(s *schedules.InverseTime) []parameter {
		return []parameter{
			{"initial_learning_rate", &s.InitialLearningRate}, {"decay_rate", &s.DecayRate}, {"decay_steps", &s.DecaySteps},
			{"decay_epochs", &s.DecayEpochs}, {"staircase", &s.Staircase},
		}
	}),
	scheduleOf("one_cycle", schedules.NewOneCycle(), func(s *schedules.OneCycle) []parameter {
		return []parameter{
			{"max_lr", &s.MaxLR}, {"total_steps", &s.TotalSteps}, {"total_epochs", &s.TotalEpochs}, {"pct_start", &s.PctStart}, {"shape", &s.Shape},
			{"div_factor", &s.DivFactor}, {"final_div_factor", &s.FinalDivFactor}, {"three_phase", &s.ThreePhase},
		}
	}),
	scheduleOf("piecewise", schedules.Piecewise{}, func(s *schedules.Piecewise) []parameter {
		return []parameter{{"boundaries", &s.Boundaries}, {"boundary_epochs", &s.BoundaryEpochs}, {"values", &s.Values}}
	}),
	scheduleOf("polynomial", schedules.NewPolynomial(), func(s *schedules.Polynomial) []parameter {
		return []parameter{
			{"initial_learning_rate", &s.InitialLearningRate}, {"decay_steps", &s.DecaySteps}, {"decay_epochs", &s.DecayEpochs},
			{"end_learning_rate", &s.EndLearningRate}, {"power", &s.Power}, {"cycle", &s.Cycle},
		}
	}),
	scheduleOf("step", schedules.Step{}, func(s *schedules.Step) []parameter {
		return []parameter{
			{"initial_learning_rate", &s.InitialLearningRate}, {"factor", &s.Factor}, {"step_size", &s.StepSize}, {"step_epochs", &s.StepEpochs},
		}
	}),
	scheduleOf("triangular", schedules.Triangular{}, func(s *schedules.Triangular) []parameter {
		return cycleParameters(&s.BaseLR, &s.MaxLR, &s.StepSize, &s.StepEpochs)
	}),
	scheduleOf("triangular2", schedules.Triangular2{}, func(s *schedules.Triangular2) []parameter {
		return cycleParameters(&s.BaseLR, &s.MaxLR, &s.StepSize, &s.StepEpochs)
	}),
}

func cycleParameters(base, highest *float64, size *int, epochs *float64) []parameter {
	return []parameter{{"base_lr", base}, {"max_lr", highest}, {"step_size", size}, {"step_epochs", epochs}}
}

func setSchedule(field *schedules.Schedule, value any) error {
	var names []string
	for _, kind := range scheduleKinds {
		names = append(names, kind.name)
	}
	mapping, ok := value.(map[string]any)
	if !ok || len(mapping) != 1 {
		return wants("one schedule, {name: {argument: value}}, of "+strings.Join(names, ", "), value)
	}
	for name, arguments := range mapping {
		i := slices.Index(names, name)
		if i < 0 {
			return fmt.Errorf("%q is not known; the schedules are %s", name, strings.Join(names, ", "))
		}
		form, _ := scheduleKinds[i].open(nil)
		if err := decodeParameters(name, arguments, form.parameters); err != nil {
			return err
		}
		*field = form.schedule()
	}
	return nil
}

func getSchedule(schedule schedules.Schedule) (any, error) {
	if schedule == nil {
		return nil, nil
	}
	for _, kind := range scheduleKinds {
		form, ok := kind.open(schedule)
		if !ok {
			continue
		}
		arguments, err := encodeParameters(form.parameters)
		if err != nil {
			return nil, err
		}
		return yaml.MapSlice{{Key: kind.name, Value: arguments}}, nil
	}
	return nil, fmt.Errorf("a schedule of type %T has no configuration form; use another one of package schedules", schedule)
}
