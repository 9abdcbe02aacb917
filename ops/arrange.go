package ops

import "fmt"

// Pad puts rows and columns of zeros around an image.
//
// In: src [N,H,W,C]. Out: dst [N,Before[0]+H+After[0],Before[1]+W+After[1],C].
type Pad struct {
	Before, After [2]int // rows, columns
}

// Name is "pad".
func (Pad) Name() string { return "pad" }

func (o Pad) String() string {
	return fmt.Sprintf("%d,%d,%d,%d", o.Before[0], o.After[0], o.Before[1], o.After[1])
}

// Infer gives the type of dst.
func (o Pad) Infer(in []Type) ([]Type, error) {
	if err := rank("pad", "src", in[0], 4); err != nil {
		return nil, err
	}
	s := in[0].Shape
	return []Type{F32(s[0], o.Before[0]+s[1]+o.After[0], o.Before[1]+s[2]+o.After[1], s[3])}, nil
}

// Gradient crops what was added.
func (o Pad) Gradient(g *Graph, _ Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(Crop(o), diffOut[0])
	return []Value{dx}, err
}

// Crop takes rows and columns off an image.
//
// In: src [N,H,W,C]. Out: dst [N,H-Before[0]-After[0],W-Before[1]-After[1],C].
type Crop Pad

// Name is "crop".
func (Crop) Name() string { return "crop" }

func (o Crop) String() string { return Pad(o).String() }

// Infer gives the type of dst.
func (o Crop) Infer(in []Type) ([]Type, error) {
	if err := rank("crop", "src", in[0], 4); err != nil {
		return nil, err
	}
	s := in[0].Shape
	h, w := s[1]-o.Before[0]-o.After[0], s[2]-o.Before[1]-o.After[1]
	if h < 1 || w < 1 {
		return nil, fmt.Errorf("crop: taking %v off src %v leaves %d×%d: %w", o, s, h, w, ErrShape)
	}
	return []Type{F32(s[0], h, w, s[3])}, nil
}

// Gradient puts zeros where the src was cropped.
func (o Crop) Gradient(g *Graph, _ Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(Pad(o), diffOut[0])
	return []Value{dx}, err
}

// Concat puts the channels of its inputs side by side.
//
// In: any number of values [...,Cᵢ] that differ in the last dimension only. Out: dst [...,ΣCᵢ].
type Concat struct{}

// Name is "concat".
func (Concat) Name() string { return "concat" }

// Infer gives the type of dst.
func (Concat) Infer(in []Type) ([]Type, error) {
	if len(in) == 0 || len(in[0].Shape) == 0 {
		return nil, fmt.Errorf("concat: nothing to put side by side: %w", ErrShape)
	}
	last := len(in[0].Shape) - 1
	out := append(Shape{}, in[0].Shape...)
	for _, t := range in[1:] {
		if t.DType != in[0].DType || len(t.Shape) != last+1 || !t.Shape[:last].Equal(in[0].Shape[:last]) {
			return nil, fmt.Errorf("concat: %v and %v differ in more than the last dimension: %w", in[0], t, ErrShape)
		}
		out[last] += t.Shape[last]
	}
	return []Type{{Float32, out}}, nil
}

// Gradient takes the inputs' channels apart again.
func (Concat) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	var diffIn []Value
	first := 0
	for _, v := range op.In {
		s := g.Type(v).Shape
		d, err := g.Add1(Channels{first, s[len(s)-1]}, diffOut[0])
		if err != nil {
			return nil, err
		}
		diffIn = append(diffIn, d)
		first += s[len(s)-1]
	}
	return diffIn, nil
}

// Channels takes Count channels from First on.
//
// In: src [...,C]. Out: dst [...,Count].
type Channels struct{ First, Count int }

// Name is "channels".
func (Channels) Name() string { return "channels" }

func (o Channels) String() string { return fmt.Sprintf("%d–%d", o.First, o.First+o.Count-1) }

// Infer gives the type of dst.
func (o Channels) Infer(in []Type) ([]Type, error) {
	s := in[0].Shape
	if len(s) == 0 || o.First < 0 || o.Count < 1 || o.First+o.Count > s[len(s)-1] {
		return nil, fmt.Errorf("channels: %v of src %v: %w", o, s, ErrShape)
	}
	out := append(Shape{}, s...)
	out[len(s)-1] = o.Count
	return []Type{{Float32, out}}, nil
}

// Gradient puts zeros in the place of the channels that were left out.
func (o Channels) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	e := emitter{g: g}
	s := g.Type(op.In[0]).Shape
	zeros := func(count int) []Value {
		if count == 0 {
			return nil
		}
		return []Value{e.add(Fill{Type: F32(append(append([]int{}, s[:len(s)-1]...), count)...)})}
	}
	parts := append(append(zeros(o.First), diffOut[0]), zeros(s[len(s)-1]-o.First-o.Count)...)
	if len(parts) == 1 {
		return parts, nil
	}
	return []Value{e.add(Concat{}, parts...)}, e.err
}
