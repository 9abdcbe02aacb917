package augment

import (
	"fmt"

	"github.com/meseta-go/meseta/kernels/feed"
)

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
func (a *MixUp) Mix(img *Image, other []float32) float32 { return img.do(a.move(img), other) }

func (a *MixUp) move(img *Image) feed.Move {
	return feed.Move{Kind: feed.Mix, Value: beta(&img.Random, a.Alpha)}
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
func (a *CutMix) Mix(img *Image, other []float32) float32 { return img.do(a.move(img), other) }

func (a *CutMix) move(img *Image) feed.Move {
	side := root(1 - beta(&img.Random, a.Alpha))
	m := feed.Move{Kind: feed.Paste}
	m.Top, m.Bottom = place(img, side, img.H)
	m.Left, m.Right = place(img, side, img.W)
	return m
}
