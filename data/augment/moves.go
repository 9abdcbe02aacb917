package augment

import (
	"fmt"
	"iter"

	"github.com/meseta-go/meseta/kernels/feed"
)

// mover is an augmentation that comes to one Move.
type mover interface {
	Augmentation
	// move draws, of img.Random, what is done to the image, whose pixels it does not look at. Of a Mixer, who the other image is stays open.
	move(img *Image) feed.Move
}

// do does what has been drawn. It returns the image's share of the mixture, 1 where nothing is mixed; other is only looked at by what mixes.
func (img *Image) do(m feed.Move, other []float32) (share float32) {
	switch m.Kind {
	case feed.Nearest, feed.Bilinear:
		img.transform(m)
	case feed.Erase:
		for row := range img.rows(m) {
			fill(row, m.Value)
		}
	case feed.Paste:
		for row, at := range img.rows(m) {
			copy(row, other[at:])
		}
	case feed.Mix:
		pixels, own, rest := img.Pixels, m.Value, 1-m.Value
		for i, v := range other[:len(pixels)] {
			pixels[i] = float32(own*pixels[i]) + float32(rest*v)
		}
	case feed.Brighten:
		img.brighten(m.Value, m.Numbers[0], m.Numbers[1])
	case feed.Saturate:
		img.saturate(m.Numbers[0], m.Value)
	case feed.Turn:
		img.turnHue(m.Value, m.Numbers[0], m.Numbers[1], m.Numbers[2])
	}
	return img.share(m)
}

// share is the image's part of what a move makes of it and another one.
func (img *Image) share(m feed.Move) float32 {
	switch m.Kind {
	case feed.Paste:
		return 1 - float32((m.Bottom-m.Top)*(m.Right-m.Left))/float32(img.H*img.W)
	case feed.Mix:
		return m.Value
	}
	return 1
}

// rows goes through what a move's part has of each row, and where in Pixels that begins.
func (img *Image) rows(m feed.Move) iter.Seq2[[]float32, int] {
	return func(yield func([]float32, int) bool) {
		for y := int(m.Top); y < int(m.Bottom); y++ {
			from, to := (y*img.W+int(m.Left))*img.C, (y*img.W+int(m.Right))*img.C
			if !yield(img.Pixels[from:to], from) {
				return
			}
		}
	}
}

// Moves says how many moves the list comes to for an image, at most. It returns an error where a GPU cannot do what the list does.
func (l List) Moves() (each int, err error) {
	each, deep, err := movesOf(l)
	switch {
	case err != nil:
		return 0, err
	case each > feed.Most:
		return 0, fmt.Errorf("augment: up to %d augmentations of an image, GPUs do %d", each, feed.Most)
	case deep > feed.Deepest:
		return 0, fmt.Errorf("augment: up to %d augmentations of an image that interpolate, mix or colour, GPUs do %d", deep, feed.Deepest)
	}
	return each, nil
}

// movesOf counts the moves of augmentations, and how many of these are deep, as feed.Deepest says.
func movesOf(l List) (each, deep int, err error) {
	for _, a := range l {
		n, d, err := 1, 0, error(nil)
		switch a := a.(type) {
		case *RandomChoice:
			n = 0
			for _, member := range a.Of {
				one, of, wrong := movesOf(List{member})
				n, d = max(n, one), max(d, of)
				if wrong != nil {
					err = wrong
				}
			}
		case *RandomApply:
			n, d, err = movesOf(a.Of)
		case *MixUp, *RandomBrightness, *RandomSaturation, *RandomHue:
			d = 1
		case *RandomRotation:
			d = a.Fill.Interpolation.pixels()
		case *RandomZoom:
			d = a.Fill.Interpolation.pixels()
		case *RandomTranslation:
			d = a.Fill.Interpolation.pixels()
		case *RandomResizedCrop:
			d = a.Interpolation.pixels()
		case *RandomColorJitter:
			n = 0
			for _, factor := range []*Range{a.BrightnessFactor, a.SaturationFactor, a.HueFactor} {
				if factor != nil {
					n++
				}
			}
			d = n
			if a.ContrastFactor != nil {
				err = fmt.Errorf("augment: GPUs do not do %s with contrast_factor, for which a whole image is looked at", a.Name())
			}
		case *RandomErasing:
			if a.FillValue == nil {
				err = fmt.Errorf("augment: %s without fill_value is noise, which GPUs do not make", a.Name())
			}
		case *RandomFlip, *PadAndCrop, *Cutout, *CutMix:
		default:
			err = fmt.Errorf("augment: GPUs do not do %s", a.Name())
		}
		if err != nil {
			return 0, 0, err
		}
		each, deep = each+n, deep+d
	}
	return each, deep, nil
}

// pixels is 1 for what looks at several pixels, else 0.
func (how Interpolation) pixels() int {
	if how == NearestOnly {
		return 0
	}
	return 1
}

// Drawer draws the moves of batches, for one goroutine.
type Drawer struct {
	list  List
	image Image     // without pixels
	ends  []int     // of each augmentation's moves, among those of an image
	was   []float32 // the targets of a batch before they are mixed
}

// NewDrawer makes a drawer for batches of at most batch images, and targets of at most classes numbers. The list has been checked against f, and comes to moves.
func NewDrawer(l List, f Format, batch, classes int) *Drawer {
	d := &Drawer{list: l, image: Image{H: f.H, W: f.W, C: f.C, Low: f.Low, High: f.High}, ends: make([]int, len(l))}
	for i := range l {
		d.ends[i], _, _ = movesOf(l[:i+1])
	}
	if l.Mixes() {
		d.was = make([]float32, batch*classes)
	}
	return d
}

// Draw writes to moves [N,each] what Worker.Apply does to the images of index in an epoch of a seed, and mixes the targets as that does.
func (d *Drawer) Draw(moves []feed.Move, targets []float32, index []int32, seed uint64, epoch int) {
	clear(moves)
	n, start := len(index), 0
	classes := len(targets) / n
	for place, a := range d.list {
		each, mixes := d.ends[place]-start, mixer(a) != nil
		if mixes && n < 2 {
			start += each
			continue
		}
		if mixes {
			copy(d.was, targets)
		}
		for i, sample := range index {
			img := &d.image
			img.Random = streamOf(place, sample, seed, epoch)
			j := i
			if mixes {
				j = partner(i, n, img)
			}
			to := moves[i*d.ends[len(d.ends)-1]+start:][:each]
			_, share := drawMoves(a, img, to)
			if mixes {
				for k := range to {
					to[k].Other, to[k].Before = int32(j), int32(start)
				}
				mixTargets(targets[i*classes:(i+1)*classes], d.was[j*classes:(j+1)*classes], share)
			}
		}
		start += each
	}
}

// drawMoves writes what an augmentation does to an image, and says how many moves that are and what the image's share is.
func drawMoves(a Augmentation, img *Image, to []feed.Move) (n int, share float32) {
	switch a := a.(type) {
	case *RandomChoice:
		return drawMoves(a.choose(img), img, to)
	case *RandomApply:
		share = 1
		if a.applies(img) {
			for _, member := range a.Of {
				more, part := drawMoves(member, img, to[n:])
				n, share = n+more, share*part
			}
		}
		return n, share
	case *RandomColorJitter:
		return a.draw(img, to), 1
	}
	to[0] = a.(mover).move(img)
	return 1, img.share(to[0])
}
