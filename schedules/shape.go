package schedules

import (
	"fmt"
	"math"
)

// Shape is the way from one rate to another.
type Shape uint8

// The shapes. ExponentialShape multiplies by the same factor in each update; only WarmUp has it.
const (
	LinearShape Shape = iota
	ExponentialShape
	CosineShape
)

var shapeNames = [...]string{"linear", "exponential", "cosine"}

func (s Shape) String() string {
	if int(s) < len(shapeNames) {
		return shapeNames[s]
	}
	return fmt.Sprintf("Shape(%d)", uint8(s))
}

// ParseShape returns the shape of a name: linear, exponential or cosine.
func ParseShape(name string) (Shape, error) {
	for i, n := range shapeNames {
		if n == name {
			return Shape(i), nil
		}
	}
	return 0, fmt.Errorf("schedules: there is no shape %q; the shapes are linear, exponential, cosine", name)
}

// rise goes from 0 to 1 as done does, in a straight line or along a cosine.
func (s Shape) rise(done float64) float64 {
	if s == CosineShape {
		return 1 - halfWave(done)
	}
	return done
}

// between goes from from to 1 as done goes from 0 to 1.
func (s Shape) between(from, done float64) float64 {
	if s == ExponentialShape {
		return math.Pow(from, 1-done)
	}
	return from + (1-from)*s.rise(done)
}
