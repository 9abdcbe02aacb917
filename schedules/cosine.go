package schedules

import (
	"fmt"
	"math"
)

// Cosine goes down along half a wave, from the initial rate to Alpha times that, and stays there:
//
//	rate = initial × (Alpha + (1 − Alpha) × ½ (1 + cos(π × min(1, step / DecaySteps))))
//
// Keras: optimizers.schedules.CosineDecay without its arguments for a warm-up: WarmUp multiplies any schedule. (The two
// count differently: the wave here begins with the first update, in Keras with the end of the warm-up.)
//
// Source: Loshchilov and Hutter 2016, "SGDR", arXiv:1608.03983.
type Cosine struct {
	InitialLearningRate float64 // 0 means the optimizer's own
	DecaySteps          int     // updates until the lowest rate
	DecayEpochs         float64 // or, instead, epochs until then
	Alpha               float64 // the lowest rate as a fraction of the initial one, in [0, 1]
}

// Rate returns the decayed rate at p.
func (s Cosine) Rate(p Position) float64 {
	return orBase(s.InitialLearningRate, p) * (s.Alpha + (1-s.Alpha)*halfWave(min(1, periods(p, s.DecaySteps, s.DecayEpochs))))
}

// Check wants a positive finite rate, Alpha in [0, 1] and exactly one of DecaySteps and DecayEpochs.
func (s Cosine) Check(p Position) error {
	if err := checkRate("Cosine.InitialLearningRate", orBase(s.InitialLearningRate, p)); err != nil {
		return err
	}
	if err := checkAlpha("Cosine.Alpha", s.Alpha); err != nil {
		return err
	}
	return checkPeriod("Cosine.DecaySteps", s.DecaySteps, "Cosine.DecayEpochs", s.DecayEpochs, p)
}

// CosineRestarts is Cosine over and over: each next wave takes TMul times as long and starts MMul times as high. Keras:
// optimizers.schedules.CosineDecayRestarts.
//
// Source: Loshchilov and Hutter 2016, "SGDR", arXiv:1608.03983, section 3.
type CosineRestarts struct {
	InitialLearningRate float64 // 0 means the optimizer's own
	FirstDecaySteps     int     // updates in the first wave
	FirstDecayEpochs    float64 // or, instead, epochs in it
	TMul                float64 // at least 1
	MMul                float64 // above 0
	Alpha               float64 // the lowest rate as a fraction of the initial one, in [0, 1]
}

// NewCosineRestarts returns Keras's defaults: each wave twice as long as the one before, and as high. How long the first
// one takes is still to be set.
func NewCosineRestarts() CosineRestarts { return CosineRestarts{TMul: 2, MMul: 1} }

// Rate returns the decayed rate at p.
func (s CosineRestarts) Rate(p Position) float64 {
	wave, done := s.wave(periods(p, s.FirstDecaySteps, s.FirstDecayEpochs))
	return orBase(s.InitialLearningRate, p) * (s.Alpha + (1-s.Alpha)*math.Pow(s.MMul, wave)*halfWave(done))
}

// wave returns the number of the wave at a time in units of the first one, and how much of it is done, in [0, 1).
func (s CosineRestarts) wave(time float64) (number, done float64) {
	if s.TMul == 1 {
		number = math.Floor(time)
		return number, time - number
	}
	begin := func(number float64) float64 { return (math.Pow(s.TMul, number) - 1) / (s.TMul - 1) }
	number = math.Floor(math.Log1p(time*(s.TMul-1)) / math.Log(s.TMul))
	// The logarithm may be off by a rounding, which would make a whole wave of difference.
	if begin(number) > time {
		number--
	} else if begin(number+1) <= time {
		number++
	}
	return number, (time - begin(number)) / math.Pow(s.TMul, number)
}

// Check wants a positive finite rate, factors that can work and exactly one of FirstDecaySteps and FirstDecayEpochs.
func (s CosineRestarts) Check(p Position) error {
	if err := checkRate("CosineRestarts.InitialLearningRate", orBase(s.InitialLearningRate, p)); err != nil {
		return err
	}
	if !(s.TMul >= 1) || math.IsInf(s.TMul, 0) {
		return fmt.Errorf("schedules: CosineRestarts.TMul is %g; each wave takes so many times as long as the one before, at least 1 (NewCosineRestarts sets 2)", s.TMul)
	}
	if !(s.MMul > 0) || math.IsInf(s.MMul, 0) {
		return fmt.Errorf("schedules: CosineRestarts.MMul is %g; each wave starts so many times as high as the one before, more than 0 (NewCosineRestarts sets 1)", s.MMul)
	}
	if err := checkAlpha("CosineRestarts.Alpha", s.Alpha); err != nil {
		return err
	}
	return checkPeriod("CosineRestarts.FirstDecaySteps", s.FirstDecaySteps, "CosineRestarts.FirstDecayEpochs", s.FirstDecayEpochs, p)
}

// halfWave falls from 1 to 0 along a cosine as done goes from 0 to 1.
func halfWave(done float64) float64 { return 0.5 * (1 + math.Cos(math.Pi*done)) }

func checkAlpha(name string, alpha float64) error {
	if !(alpha >= 0 && alpha <= 1) {
		return fmt.Errorf("schedules: %s is %g; it is the lowest rate as a fraction of the initial one, from 0 to 1", name, alpha)
	}
	return nil
}
