package augment

import (
	"github.com/meseta-go/meseta/kernels/feed"
	"github.com/meseta-go/meseta/random"
)

// Operations are RandAugment's by name.
var Operations = map[string]operation{
	"identity": identity, "shear_x": shearX, "shear_y": shearY, "translate_x": translateX, "translate_y": translateY, "rotate": rotate,
	"brightness": brightness, "color": colour, "contrast": contrast, "sharpness": sharpness, "posterize": posterize, "solarize": solarize,
	"auto_contrast": autoContrast, "equalize": equalize,
}

// Do does one of RandAugment's operations.
func Do(name string, img *Image, strength float64, negative bool, f Fill) {
	Operations[name].apply(img, strength, negative, f)
}

// DoMove does what has been drawn.
func DoMove(img *Image, m feed.Move, other []float32) { img.do(m, other) }

// Beta draws from the beta distribution.
func Beta(s *random.Stream, alpha float64) float32 { return beta(s, alpha) }

// Stretch multiplies the contrast of an image whose values are from 0 to 1.
func Stretch(img *Image, factor float32) { img.stretch(factor, 0, 1) }
