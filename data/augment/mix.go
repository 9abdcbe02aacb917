package augment

import "fmt"

// MixUp makes of two images, and of their targets, the weighted mean, with a weight of the distribution Beta(Alpha, Alpha). NewMixUp has
// Keras's default.
//
// Source: Zhang et al. 2017, arXiv:1710.09412; Keras's MixUp.
type MixUp struct{ Alpha float64 }

// NewMixUp has the alpha 0.2.
func NewMixUp() *MixUp { return &MixUp{0.2} }

// Name is mixup.
func (a *MixUp) Name() string { return "mixup" }

// Check checks alpha.
func (a *MixUp) Check(Format) error { return checkAlpha(a.Name(), a.Alpha) }

// checkAlpha bounds the parameter of a beta distribution to where its numbers are of use.
func checkAlpha(who string, alpha float64) error {
	if alpha >= 1e-3 && alpha <= 1e3 {
		return nil
	}
	return fmt.Errorf("augment: %s: alpha is %g, want 0.001 to 1000", who, alpha)
}

// Mix mixes two images.
func (a *MixUp) Mix(img *Image, other []float32) float32 {
	share := beta(&img.Random, a.Alpha)
	for i, v := range img.Pixels {
		img.Pixels[i] = share*v + (1-share)*other[i]
	}
	return share
}

// CutMix pastes a rectangle of another image, whose area is a fraction of the distribution Beta(Alpha, Alpha). Targets are mixed as the
// pixels are. NewCutMix has the paper's alpha.
//
// Source: Yun et al. 2019, arXiv:1905.04899; draws as Keras's CutMix, whose factor is different: it is the range of alpha.
type CutMix struct{ Alpha float64 }

// NewCutMix has the alpha 1.
func NewCutMix() *CutMix { return &CutMix{1} }

// Name is cutmix.
func (a *CutMix) Name() string { return "cutmix" }

// Check checks alpha.
func (a *CutMix) Check(Format) error { return checkAlpha(a.Name(), a.Alpha) }

// Mix pastes a part of the other image.
func (a *CutMix) Mix(img *Image, other []float32) float32 {
	side := root(1 - beta(&img.Random, a.Alpha))
	top, bottom := place(img, side, img.H)
	left, right := place(img, side, img.W)
	for y := top; y < bottom; y++ {
		from, to := (y*img.W+left)*img.C, (y*img.W+right)*img.C
		copy(img.Pixels[from:to], other[from:to])
	}
	return 1 - float32((bottom-top)*(right-left))/float32(img.H*img.W)
}
