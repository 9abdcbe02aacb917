package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels"
	"github.com/meseta-go/meseta/kernels/cpu"
	"github.com/meseta-go/meseta/models"
	"github.com/meseta-go/meseta/ops"
)

func TestShapes(t *testing.T) {
	for _, c := range []struct {
		text              string
		src, weights, dst ops.Shape
	}{
		{"mb8ic3ih224oc64oh112kh7sh2ph3", ops.Shape{8, 224, 224, 3}, ops.Shape{7, 7, 3, 64}, ops.Shape{8, 112, 112, 64}},
		{`g1mb2ic3ih224iw224oc64oh112ow112kh7kw7sh2sw2ph3pw3dh0dw0n"resnet_50:conv1"`, ops.Shape{2, 224, 224, 3}, ops.Shape{7, 7, 3, 64}, ops.Shape{2, 112, 112, 64}},
		{"ic8_ih7iw9_oc4_kh3kw1", ops.Shape{1, 7, 9, 8}, ops.Shape{3, 1, 8, 4}, ops.Shape{1, 5, 9, 4}},
		{"g8ic8ih9oc16kh3ph1dh1", ops.Shape{1, 9, 9, 8}, ops.Shape{3, 3, 1, 16}, ops.Shape{1, 7, 7, 16}},
		{"ic1ih4oc1oh4kh2", ops.Shape{1, 4, 4, 1}, ops.Shape{2, 2, 1, 1}, ops.Shape{1, 4, 4, 1}}, // a row more below than above
	} {
		cases, err := Conv(c.text, 0, Passes)
		require.NoError(t, err, c.text)
		require.Len(t, cases, 3)
		assert.Equal(t, []ops.Type{ops.F32(c.src...), ops.F32(c.weights...)}, cases[0].In, c.text)
		assert.Equal(t, []ops.Type{ops.F32(c.dst...), ops.F32(c.weights...)}, cases[1].In, c.text)
		assert.Equal(t, []ops.Type{ops.F32(c.src...), ops.F32(c.dst...)}, cases[2].In, c.text)
		for i, want := range []ops.Shape{c.dst, c.src, c.weights} {
			out, err := cases[i].Op.Infer(cases[i].In)
			require.NoError(t, err, c.text)
			assert.Equal(t, want, out[0].Shape, c.text)
		}
	}
	named, err := Conv(`ic1ih4oc1kh2n"one two"`, 3, []string{"data"})
	require.NoError(t, err)
	assert.Equal(t, "one two", named[0].Name)
	assert.Equal(t, "ic1ih4oc1kh2", named[0].Shape)
	assert.Equal(t, 3, named[0].In[0].Shape[0], "the batch that is given counts")

	g, err := GEMM("m3n4k5ta1tb1")
	require.NoError(t, err)
	assert.Equal(t, []ops.Type{ops.F32(5, 3), ops.F32(4, 5)}, g.In)
	assert.Equal(t, ops.MatMul{TransA: true, TransB: true}, g.Op)
}

func TestMistakesInShapes(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "ic has to be there",
		"ic3ih8oc4":                "kh has to be there and at least 1; an example is mb8ic64ih56oc64kh3ph1",
		"ic0ih8oc4kh3":             "ic has to be there and at least 1",
		"ic3ih8oc4kh3sh0":          "sh and sw have to be at least 1",
		"ic3ih8oc4kh3g2":           "g a divisor of ic",
		"ic4ih8oc3kh3g2":           "cannot be cut into 2 groups",
		"ic3ih2oc4kh3":             "does not fit",
		"ic3ih8oc4kh3oh5":          "oh and ow say 5 and 5",
		"ic3ih8oc4kh3xy1":          "there is no key xy",
		"ic3ic3ih8oc4kh3":          "ic is there twice",
		"ic3ih8oc4kh":              "want a key and a number at \"kh\"",
		"ic3ih9999999oc4kh3":       `ih is "9999999"`,
		"3ic3":                     "want a key and a number",
		`ic3ih8oc4kh3n"a`:          "no \" at its end",
		"mb9999ic9999ih9999oc1kh1": "at most 32",
	} {
		_, err := Conv(text, 0, Passes)
		assert.ErrorContains(t, err, want, text)
	}
	_, err := Conv("ic3ih8oc4kh3", 0, []string{"sideways"})
	assert.ErrorContains(t, err, "it has forward, data, weights")
	for text, want := range map[string]string{"m3n4": "k has to be there and at least 1; an example is m128n10k64", "m3n4k5ta2": "ta and tb are 0 or 1", "m3n4k5ic1": "no key ic", "m999999n999999k1": "at most 32"} {
		_, err := GEMM(text)
		assert.ErrorContains(t, err, want, text)
	}
	_, err = Input("conv_alexnet")
	assert.ErrorContains(t, err, "there are conv_mnist-cnn, conv_mobilenet-v2")
}

func FuzzShapes(f *testing.F) {
	for _, name := range Inputs() {
		text, err := Input(name)
		require.NoError(f, err)
		for _, line := range Lines(text) {
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := GEMM(text); err == nil {
			_, err = c.Op.Infer(c.In)
			require.NoError(t, err)
		}
		cases, err := Conv(text, 0, Passes)
		if err != nil {
			return
		}
		for _, c := range cases {
			_, err := c.Op.Infer(c.In)
			require.NoError(t, err)
		}
	})
}

// TestInputsAreTheWorkloads holds the lists of convolutions against the layers of the workloads: sizes of outputs and filters, each once.
func TestInputsAreTheWorkloads(t *testing.T) {
	for _, w := range Workloads() {
		g, err := models.New(w.Model)
		require.NoError(t, err)
		var want, got []string
		add := func(list *[]string, dst, filter ops.Shape) {
			if s := fmt.Sprint(dst, filter); !slices.Contains(*list, s) {
				*list = append(*list, s)
			}
		}
		for _, l := range g.Layers {
			switch l.ClassName() {
			case "Conv2D":
				add(&want, ops.Shape(l.Output), ops.Shape(l.Weights[0].Shape))
			case "DepthwiseConv2D": // Keras has channels and how many outputs each has
				f := l.Weights[0].Shape
				add(&want, ops.Shape(l.Output), ops.Shape{f[0], f[1], 1, f[2] * f[3]})
			}
		}
		text, err := Input("conv_" + w.Model)
		require.NoError(t, err)
		for _, line := range Lines(text) {
			c, err := Conv(line, 0, []string{"weights"})
			require.NoError(t, err)
			require.Equal(t, w.Batch, c[0].In[0].Shape[0], line)
			add(&got, c[0].In[1].Shape[1:], c[0].Op.(ops.Conv2DBackwardWeights).Filter)
		}
		assert.ElementsMatch(t, want, got, w.Model)
	}
}

func TestMeasure(t *testing.T) {
	device, err := kernels.NewCPU(cpu.Config{Threads: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, device.Close()) })
	cases, err := Conv("mb2ic16ih8oc16kh3ph1", 0, Passes)
	require.NoError(t, err)
	product, err := GEMM("m7n9k11tb1")
	require.NoError(t, err)
	for _, c := range append(cases, product) {
		m, err := Measure(device, c, time.Millisecond)
		require.NoError(t, err)
		assert.NotEmpty(t, m.Variant)
		assert.Positive(t, m.Best)
		assert.GreaterOrEqual(t, m.Median, m.Best)
		if c.Pass == "product" {
			assert.EqualValues(t, 2*7*9*11, m.FLOPs)
			assert.EqualValues(t, 4*(7*11+9*11+7*9), m.Bytes)
		} else {
			assert.EqualValues(t, 2*2*8*8*16*9*16, m.FLOPs)
			assert.EqualValues(t, 4*(2*2*8*8*16+9*16*16), m.Bytes)
		}
	}
	_, err = Measure(device, Case{Op: product.Op, In: []ops.Type{ops.F32(3, 4), ops.F32(5, 6)}}, 0)
	assert.ErrorIs(t, err, ops.ErrShape)
}

func TestLines(t *testing.T) {
	assert.Equal(t, []string{"m1n2k3", "m4n5k6"}, Lines("# square\nm1n2k3 # small\n\n m4n5k6"))
	for _, name := range Inputs() {
		text, err := Input(name)
		require.NoError(t, err)
		require.NotEmpty(t, Lines(text), name)
		for _, line := range Lines(text) {
			if strings.HasPrefix(name, "gemm_") {
				_, err = GEMM(line)
			} else {
				_, err = Conv(line, 0, Passes)
			}
			assert.NoError(t, err, name)
		}
	}
}
