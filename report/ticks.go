package report

import (
	"math"
	"strconv"
)

// tick is a labelled place of an axis.
type tick struct {
	value float64
	label string
}

// epochTicks labels whole epochs, at most so many of them.
func epochTicks(low, high float64, most int) (ticks []tick) {
	step := 1
	for scale := 1; (high-low)/float64(step) > float64(most); scale *= 10 {
		for _, factor := range []int{2, 5, 10} {
			if step = factor * scale; (high-low)/float64(step) <= float64(most) {
				break
			}
		}
	}
	for x := (int(math.Ceil(low)) + step - 1) / step * step; float64(x) <= high; x += step {
		ticks = append(ticks, tick{float64(x), strconv.Itoa(x)})
	}
	return ticks
}

// valueTicks labels 1, 2 or 5 times a power of ten and its multiples, at most so many and a few less.
func valueTicks(low, high float64, most int) (ticks []tick) {
	raw := (high - low) / float64(most)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if factor*step >= raw {
			step *= factor
			break
		}
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	largest := max(math.Abs(low), math.Abs(high))
	for i := math.Ceil(low / step); i <= math.Floor(high/step); i++ {
		x := i * step
		label := strconv.FormatFloat(x, 'f', decimals, 64)
		if decimals > 6 || largest >= 1e6 {
			digits := max(0, int(math.Floor(math.Log10(largest)+1e-9))-int(math.Floor(math.Log10(step)+1e-9)))
			label = strconv.FormatFloat(x, 'e', min(digits, 15), 64)
		}
		if x == 0 {
			label = "0"
		}
		ticks = append(ticks, tick{x, label})
		if len(ticks) > most+1 { // the axis is too fine for float64
			break
		}
	}
	return ticks
}

// rateTicks labels 1, 2 and 5 times powers of ten, or powers alone over many decades.
func rateTicks(low, high float64) (ticks []tick) {
	factors := []float64{1, 2, 5}
	if high/low > 1e3 {
		factors = factors[:1]
	}
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	step := math.Ceil((last - first) / 8)
	for exponent := first; exponent <= last; exponent += step {
		for _, factor := range factors {
			if x := factor * math.Pow(10, exponent); x >= low && x <= high {
				ticks = append(ticks, tick{x, strconv.FormatFloat(x, 'e', 0, 64)})
			}
		}
	}
	return ticks
}

// widened leaves room above and below the curves.
func widened(low, high float64, logarithmic bool) (float64, float64) {
	if logarithmic {
		if high < low*1.5 {
			return low / 2, high * 2
		}
		margin := math.Pow(high/low, 0.08)
		return low / margin, high * margin
	}
	margin := 0.06 * (high - low)
	if margin < 1e-9*math.Abs(high) || margin < 1e-200 { // too little for labels to tell apart
		margin = max(0.05*math.Abs(high), 0.05)
	}
	return low - margin, high + margin
}
