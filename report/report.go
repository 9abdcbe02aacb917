// Package report shows people how a run goes: progress on a terminal or as plain lines, a CSV file of the epochs, event files
// for TensorBoard, the curves as a picture, the whole run as an HTML page, and a network as a drawing. It knows numbers and
// names only; what they mean is known to package callbacks, which feeds it.
package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

const learningRate = "learning_rate"

// ordered returns the names of the metrics: those of first in that order, then the others alphabetically.
func ordered(metrics map[string]float64, first []string) []string {
	var names, others []string
	for _, name := range first {
		if _, ok := metrics[name]; ok {
			names = append(names, name)
		}
	}
	for name := range metrics {
		if !slices.Contains(names, name) {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	return append(names, others...)
}

// metricTexts are "loss 0.0812", "accuracy 0.9752", without the learning rate.
func metricTexts(metrics map[string]float64, order []string) (texts []string) {
	for _, name := range ordered(metrics, order) {
		if name != learningRate {
			texts = append(texts, name+" "+value(metrics[name]))
		}
	}
	return texts
}

// value has four decimals, or an exponent where they would hide it.
func value(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(x, 'f', -1, 64), "+"))
	case a != 0 && a < 1e-3 || a >= 1e6:
		return strconv.FormatFloat(x, 'e', 3, 64)
	default:
		return strconv.FormatFloat(x, 'f', 4, 64)
	}
}

// rate prints a learning rate so that a small one never shows as 0.000000.
func rate(x float64) string { return fmt.Sprintf("lr %.3e", x) }

// grouped prints a count with thousands separators.
func grouped(x float64) string {
	digits := strconv.FormatInt(int64(math.Round(x)), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// clock prints a duration as 0:07, 12:34 or 1:02:03.
func clock(d time.Duration) string {
	s := int(math.Ceil(d.Seconds()))
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
