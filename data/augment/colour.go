package augment

import "github.com/meseta-go/meseta/kernels/feed"

// RandomBrightness makes images brighter or darker: it adds a number to all values, and cuts them off at black and white.
//
// Source: Keras's RandomBrightness.
type RandomBrightness struct {
	Factor     Range // what is added, as a fraction of the values' range; within [-1,1]
	ValueRange Range // what stands for black and white; the zero value means the data's own
}

// Name is random_brightness.
func (a *RandomBrightness) Name() string { return "random_brightness" }

// Check checks the fields.
func (a *RandomBrightness) Check(f Format) error {
	if err := a.Factor.within(a.Name(), "factor", -1, 1); err != nil {
		return err
	}
	return checkValues(a.Name(), a.ValueRange, f)
}

// Change adds to an image.
func (a *RandomBrightness) Change(img *Image) { img.do(a.move(img), nil) }

func (a *RandomBrightness) move(img *Image) feed.Move {
	low, high := values(a.ValueRange, img.Low, img.High)
	return feed.Move{Kind: feed.Brighten, Value: a.Factor.draw(&img.Random) * (high - low), Numbers: [6]float32{low, high}}
}

// brighten adds to all values, and cuts them off.
func (img *Image) brighten(delta, low, high float32) {
	for i, v := range img.Pixels {
		img.Pixels[i] = clamp(v+delta, low, high)
	}
}

// RandomContrast moves the values of each channel away from their mean, or towards it.
//
// Source: Keras's RandomContrast; but in configurations a number x stands for [x, x], as Keras documents, and not for [0, x] as in its code, which
// then never lowers the contrast.
type RandomContrast struct {
	Factor     Range // the distance from the mean is multiplied with a number from 1 - Low to 1 + High; within [0,1]
	ValueRange Range // what stands for black and white; the zero value means the data's own
}

// Name is random_contrast.
func (a *RandomContrast) Name() string { return "random_contrast" }

// Check checks the fields.
func (a *RandomContrast) Check(f Format) error {
	if err := a.Factor.within(a.Name(), "factor", 0, 1); err != nil {
		return err
	}
	return checkValues(a.Name(), a.ValueRange, f)
}

// Change changes an image's contrast.
func (a *RandomContrast) Change(img *Image) {
	low, high := values(a.ValueRange, img.Low, img.High)
	img.stretch(Range{1 - a.Factor.Low, 1 + a.Factor.High}.draw(&img.Random), low, high)
}

// stretch multiplies the distance of each channel's values from their mean with a factor.
func (img *Image) stretch(factor, low, high float32) {
	for c := range img.C {
		sum := 0.0
		for i := c; i < len(img.Pixels); i += img.C {
			sum += float64(img.Pixels[i])
		}
		mean := float32(sum / float64(img.H*img.W))
		for i := c; i < len(img.Pixels); i += img.C {
			img.Pixels[i] = clamp((img.Pixels[i]-mean)*factor+mean, low, high)
		}
	}
}

// RandomSaturation makes colours stronger or weaker.
//
// Source: Keras's RandomSaturation: the saturation is multiplied with f/(1-f). In configurations a number x stands for [0, x], as Keras documents; its code
// takes [-x, x], where what is negative makes an image grey.
type RandomSaturation struct {
	Factor     Range // 0 makes an image grey, 0.5 changes nothing, 1 makes colours as strong as they can be; within [0,1]
	ValueRange Range // what stands for black and white; the zero value means the data's own
}

// Name is random_saturation.
func (a *RandomSaturation) Name() string { return "random_saturation" }

// Check checks the fields.
func (a *RandomSaturation) Check(f Format) error {
	return checkHSV(a.Name(), a.Factor, a.ValueRange, f)
}

// checkHSV is what RandomSaturation and RandomHue check.
func checkHSV(who string, factor, own Range, f Format) error {
	if err := factor.within(who, "factor", 0, 1); err != nil {
		return err
	}
	if err := checkColours(who, f); err != nil {
		return err
	}
	return checkValues(who, own, f)
}

// Change changes an image's saturation.
func (a *RandomSaturation) Change(img *Image) { img.do(a.move(img), nil) }

func (a *RandomSaturation) move(img *Image) feed.Move {
	const epsilon = 1e-7 // Keras's
	f := a.Factor.draw(&img.Random)
	low, _ := values(a.ValueRange, img.Low, img.High)
	return feed.Move{Kind: feed.Saturate, Value: f / (1 - f + epsilon), Numbers: [6]float32{low}}
}

// saturate multiplies each pixel's saturation with a factor, up to 1: its part of the way from grey, (max - min)/max, while the largest of its numbers
// and its hue stay.
func (img *Image) saturate(low, factor float32) {
	for p := 0; p+3 <= len(img.Pixels); p += 3 {
		rgb := (*[3]float32)(img.Pixels[p:])
		top := max(rgb[0], rgb[1], rgb[2])
		value, span := top-low, top-min(rgb[0], rgb[1], rgb[2])
		if !(value > 0 && span > 0) {
			continue // black, or grey already
		}
		k := min(factor, value/span)
		for i, v := range rgb {
			rgb[i] = max(low, top-float32(k*(top-v))) // rounding must not lead beyond black
		}
	}
}

// RandomHue turns colours around the colour wheel.
//
// Source: Keras's RandomHue.
type RandomHue struct {
	Factor     Range // how far, either way, in halves of the wheel; within [0,1]
	ValueRange Range // what stands for black and white; the zero value means the data's own
}

// Name is random_hue.
func (a *RandomHue) Name() string { return "random_hue" }

// Check checks the fields.
func (a *RandomHue) Check(f Format) error { return checkHSV(a.Name(), a.Factor, a.ValueRange, f) }

// Change turns an image's colours.
func (a *RandomHue) Change(img *Image) { img.do(a.move(img), nil) }

func (a *RandomHue) move(img *Image) feed.Move {
	turn := a.Factor.draw(&img.Random) / 2
	if img.Random.Uint32n(2) == 0 {
		turn = -turn
	}
	low, high := values(a.ValueRange, img.Low, img.High)
	return feed.Move{Kind: feed.Turn, Value: turn, Numbers: [6]float32{low, high - low, 1 / (high - low)}}
}

// turnHue adds to each pixel's hue, 0 to 1 being once around. Its saturation and value stay. Black is low, white lies whole above it, and scale is 1/whole.
//
// The formulas are TensorFlow's rgb_to_hsv and hsv_to_rgb.
func (img *Image) turnHue(turn, low, whole, scale float32) {
	for p := 0; p+3 <= len(img.Pixels); p += 3 {
		rgb := (*[3]float32)(img.Pixels[p:])
		r, g, b := (rgb[0]-low)*scale, (rgb[1]-low)*scale, (rgb[2]-low)*scale
		value := max(r, g, b)
		span := value - min(r, g, b)
		if !(span > 0) {
			continue // grey has no hue
		}
		var hue float32
		switch norm := 1 / (6 * span); value {
		case r:
			hue = float32(norm * (g - b))
		case g:
			hue = float32(norm*(b-r)) + 2.0/6
		default:
			hue = float32(norm*(r-g)) + 4.0/6
		}
		hue += turn // between -2/3 and 4/3
		if hue < 0 {
			hue++
		}
		if hue >= 1 {
			hue--
		}
		grey := value - span
		sixths := float32(hue * 6)
		rgb[0] = float32((grey+float32(span*clamp(abs(sixths-3)-1, 0, 1)))*whole) + low
		rgb[1] = float32((grey+float32(span*clamp(2-abs(sixths-2), 0, 1)))*whole) + low
		rgb[2] = float32((grey+float32(span*clamp(2-abs(sixths-4), 0, 1)))*whole) + low
	}
}

func abs(x float32) float32 { return max(x, -x) }

// RandomColorJitter changes brightness, contrast, saturation and hue, in this order, each where it has a factor.
//
// Source: Keras's RandomColorJitter.
type RandomColorJitter struct {
	BrightnessFactor *Range // as RandomBrightness.Factor; nil leaves the brightness alone, and so with the others
	ContrastFactor   *Range
	SaturationFactor *Range // 0.5 changes nothing
	HueFactor        *Range
	ValueRange       Range // what stands for black and white; the zero value means the data's own
}

// Name is random_color_jitter.
func (a *RandomColorJitter) Name() string { return "random_color_jitter" }

// Check checks the factors.
func (a *RandomColorJitter) Check(f Format) error {
	if a.BrightnessFactor != nil {
		if err := (&RandomBrightness{*a.BrightnessFactor, a.ValueRange}).Check(f); err != nil {
			return err
		}
	}
	if a.ContrastFactor != nil {
		if err := (&RandomContrast{*a.ContrastFactor, a.ValueRange}).Check(f); err != nil {
			return err
		}
	}
	if a.SaturationFactor != nil {
		if err := (&RandomSaturation{*a.SaturationFactor, a.ValueRange}).Check(f); err != nil {
			return err
		}
	}
	if a.HueFactor != nil {
		return (&RandomHue{*a.HueFactor, a.ValueRange}).Check(f)
	}
	return nil
}

// Change changes an image.
func (a *RandomColorJitter) Change(img *Image) {
	if a.BrightnessFactor != nil {
		(&RandomBrightness{*a.BrightnessFactor, a.ValueRange}).Change(img)
	}
	if a.ContrastFactor != nil {
		(&RandomContrast{*a.ContrastFactor, a.ValueRange}).Change(img)
	}
	if a.SaturationFactor != nil {
		(&RandomSaturation{*a.SaturationFactor, a.ValueRange}).Change(img)
	}
	if a.HueFactor != nil {
		(&RandomHue{*a.HueFactor, a.ValueRange}).Change(img)
	}
}

// draw writes the moves, for one without contrast, and says how many they are.
func (a *RandomColorJitter) draw(img *Image, to []feed.Move) (n int) {
	if a.BrightnessFactor != nil {
		to[n] = (&RandomBrightness{*a.BrightnessFactor, a.ValueRange}).move(img)
		n++
	}
	if a.SaturationFactor != nil {
		to[n] = (&RandomSaturation{*a.SaturationFactor, a.ValueRange}).move(img)
		n++
	}
	if a.HueFactor != nil {
		to[n] = (&RandomHue{*a.HueFactor, a.ValueRange}).move(img)
		n++
	}
	return n
}
