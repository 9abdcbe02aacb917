package augment

import "fmt"

// group is an augmentation that applies others. It mixes where one of these does.
type group interface {
	Changer
	Mixer
	members() List
}

// maxDepth bounds how deep groups stand within groups.
const maxDepth = 8

// mixer gives an augmentation that mixes as a Mixer, else nil.
func mixer(a Augmentation) Mixer {
	if g, ok := a.(group); ok {
		if g.members().Mixes() {
			return g
		}
		return nil
	}
	m, _ := a.(Mixer)
	return m
}

// do applies an augmentation to an image and gives its share: 1 where nothing is mixed.
func do(a Augmentation, img *Image, other []float32) float32 {
	if m := mixer(a); m != nil {
		return m.Mix(img, other)
	}
	a.(Changer).Change(img)
	return 1
}

// checkGroup checks the members of a group.
func checkGroup(who string, l List, f Format) error {
	if len(l) == 0 {
		return fmt.Errorf("augment: %s: it is of no augmentations, want a list of them", who)
	}
	if deep(l) > maxDepth {
		return fmt.Errorf("augment: %s: groups within groups, %d deep at most", who, maxDepth)
	}
	return l.Check(f)
}

func deep(l List) int {
	most := 0
	for _, a := range l {
		if g, ok := a.(group); ok {
			most = max(most, deep(g.members()))
		}
	}
	return 1 + most
}

// RandomChoice applies one of some augmentations to each image, all equally likely.
//
// Source: torchvision's RandomChoice, which chooses for a whole batch.
type RandomChoice struct{ Of List }

// Name is random_choice.
func (a *RandomChoice) Name() string { return "random_choice" }

// Check checks the augmentations.
func (a *RandomChoice) Check(f Format) error { return checkGroup(a.Name(), a.Of, f) }

// Change applies one augmentation.
func (a *RandomChoice) Change(img *Image) { a.Mix(img, nil) }

// Mix applies one augmentation.
func (a *RandomChoice) Mix(img *Image, other []float32) float32 {
	return do(a.choose(img), img, other)
}

// choose draws one.
func (a *RandomChoice) choose(img *Image) Augmentation {
	return a.Of[img.Random.Uint32n(uint32(len(a.Of)))]
}

func (a *RandomChoice) members() List { return a.Of }

// RandomApply applies some augmentations, in their order, to a part of the images and leaves the others alone. NewRandomApply has the usual rate.
//
// Source: torchvision's RandomApply.
type RandomApply struct {
	Of   List
	Rate float64 // the probability; within [0,1]
}

// NewRandomApply has the rate 0.5.
func NewRandomApply(of ...Augmentation) *RandomApply { return &RandomApply{Of: of, Rate: 0.5} }

// Name is random_apply.
func (a *RandomApply) Name() string { return "random_apply" }

// Check checks the rate and the augmentations.
func (a *RandomApply) Check(f Format) error {
	if err := Exactly(a.Rate).within(a.Name(), "rate", 0, 1); err != nil {
		return err
	}
	return checkGroup(a.Name(), a.Of, f)
}

// Change applies the augmentations, or does not.
func (a *RandomApply) Change(img *Image) { a.Mix(img, nil) }

// Mix applies the augmentations, or does not.
func (a *RandomApply) Mix(img *Image, other []float32) float32 {
	if !a.applies(img) {
		return 1
	}
	share := float32(1)
	for _, member := range a.Of {
		share *= do(member, img, other)
	}
	return share
}

// applies draws whether they are applied.
func (a *RandomApply) applies(img *Image) bool { return img.Random.Float32() < float32(a.Rate) }

func (a *RandomApply) members() List { return a.Of }
