package ops

import "fmt"

// Interpolation is how the pixels between others are made up.
type Interpolation uint8

// The interpolations, all of them with pixels as squares whose centres lie at halves.
const (
	Nearest  Interpolation = iota // the pixel whose square holds the point
	Bilinear                      // of the two nearest rows and columns, by distance
	Bicubic                       // of four rows and columns by Keys's cubic with a = -½, without those beyond the edge
)

func (i Interpolation) String() string {
	switch i {
	case Nearest:
		return "nearest"
	case Bilinear:
		return "bilinear"
	case Bicubic:
		return "bicubic"
	}
	return "unknown interpolation"
}

// Resize gives images another size, as TensorFlow's tf.image.resize does without antialias: pixel p of P is taken from the point
// (p+½)·H/P - ½ of H.
//
// In: src [N,H,W,C]. Out: dst [N,Size[0],Size[1],C].
type Resize struct {
	Size   [2]int
	Method Interpolation
}

// Name is "resize".
func (Resize) Name() string { return "resize" }

func (o Resize) String() string { return fmt.Sprintf("%d×%d %v", o.Size[0], o.Size[1], o.Method) }

// Infer gives the type of dst.
func (o Resize) Infer(in []Type) ([]Type, error) {
	if err := rank("resize", "src", in[0], 4); err != nil {
		return nil, err
	}
	if o.Size[0] < 1 || o.Size[1] < 1 {
		return nil, fmt.Errorf("resize: to %d×%d, want at least 1×1: %w", o.Size[0], o.Size[1], ErrShape)
	}
	s := in[0].Shape
	return []Type{F32(s[0], o.Size[0], o.Size[1], s[3])}, nil
}

// FLOPs counts a multiply-add for each pixel that is read, along rows and columns.
func (o Resize) FLOPs(_, out []Type) int64 {
	return 4 * []int64{0, 2, 4}[o.Method] * int64(out[0].Shape.Size())
}

// Gradient emits ResizeBackward.
func (o Resize) Gradient(g *Graph, op Op, diffOut []Value) ([]Value, error) {
	dx, err := g.Add1(ResizeBackward{g.Type(op.In[0]).Shape, o.Method}, diffOut[0])
	return []Value{dx}, err
}

// ResizeBackward gives each pixel of src what the pixels of dst that were made of it have of gradient.
//
// In: diffDst [N,P,Q,C]. Out: diffSrc, of shape Src [N,H,W,C].
type ResizeBackward struct {
	Src    Shape
	Method Interpolation
}

// Name is "resize_data".
func (ResizeBackward) Name() string { return "resize_data" }

func (o ResizeBackward) String() string { return o.Method.String() }

// Infer gives the type of diffSrc.
func (o ResizeBackward) Infer(in []Type) ([]Type, error) {
	if err := rank("resize_data", "diffDst", in[0], 4); err != nil {
		return nil, err
	}
	s := in[0].Shape
	t := Type{Float32, o.Src}
	out, err := Resize{[2]int{s[1], s[2]}, o.Method}.Infer([]Type{t})
	if err != nil {
		return nil, err
	}
	return []Type{t}, same("resize_data", "diffDst", in[0], "dst", out[0])
}
