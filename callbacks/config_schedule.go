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
	name       string
	parameters []parameter
	schedule   func() schedules.Schedule // with the parameters as they are now
}

// scheduleForms returns new forms of all schedules, holding from where it is of that type.
func scheduleForms(from schedules.Schedule) (forms []scheduleForm, match int) {
	var constant schedules.Constant
	var exponential schedules.Exponential
	var triangular schedules.Triangular
	match = -1
	switch s := from.(type) {
	case schedules.Constant:
		constant, match = s, 0
	case *schedules.Constant:
		constant, match = *s, 0
	case schedules.Exponential:
		exponential, match = s, 1
	case *schedules.Exponential:
		exponential, match = *s, 1
	case schedules.Triangular:
		triangular, match = s, 2
	case *schedules.Triangular:
		triangular, match = *s, 2
	}
	return []scheduleForm{
		{"constant", []parameter{{"learning_rate", &constant.LearningRate}},
			func() schedules.Schedule { return constant }},
		{"exponential", []parameter{
			{"initial_learning_rate", &exponential.InitialLearningRate}, {"decay_rate", &exponential.DecayRate},
			{"decay_steps", &exponential.DecaySteps}, {"decay_epochs", &exponential.DecayEpochs}, {"staircase", &exponential.Staircase},
		}, func() schedules.Schedule { return exponential }},
		{"triangular", []parameter{
			{"base_lr", &triangular.BaseLR}, {"max_lr", &triangular.MaxLR},
			{"step_size", &triangular.StepSize}, {"step_epochs", &triangular.StepEpochs},
		}, func() schedules.Schedule { return triangular }},
	}, match
}

func setSchedule(field *schedules.Schedule, value any) error {
	forms, _ := scheduleForms(nil)
	var names []string
	for _, form := range forms {
		names = append(names, form.name)
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
		if err := decodeParameters(name, arguments, forms[i].parameters); err != nil {
			return err
		}
		*field = forms[i].schedule()
	}
	return nil
}

func getSchedule(schedule schedules.Schedule) (any, error) {
	if schedule == nil {
		return nil, nil
	}
	forms, i := scheduleForms(schedule)
	if i < 0 {
		return nil, fmt.Errorf("a schedule of type %T has no configuration form; use one of package schedules", schedule)
	}
	arguments, err := encodeParameters(forms[i].parameters)
	if err != nil {
		return nil, err
	}
	return yaml.MapSlice{{Key: forms[i].name, Value: arguments}}, nil
}
