package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/meseta-go/meseta/kernels/cpu"
)

// Every loop of scores gives the portable one's bits, for rows of every length around those of vectors, and leaves what is behind a row alone.
func TestScoreBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	special := []float32{0, 1, 1e-8, 1 - 0x1p-24, 1000, -1000, float32(math.Inf(-1)), float32(math.Inf(1)), float32(math.NaN())}
	for _, isa := range cpu.Available() {
		native, portable := reflect.ValueOf(*Scores(isa)), reflect.ValueOf(portableScores)
		for n := range 75 {
			for trial := range 3 {
				rows := [3][]float32{make([]float32, n+1), make([]float32, n+1), make([]float32, n+1)}
				for i := range n + 1 {
					for k := range rows {
						rows[k][i] = rng.Float32()
						if trial == 1 {
							rows[k][i] = float32(rng.NormFloat64() * 20)
						}
						if trial == 2 && rng.IntN(8) == 0 {
							rows[k][i] = special[rng.IntN(len(special))]
						}
					}
				}
				for f := range native.NumField() {
					// run hands a loop as many rows as it wants, the first of them to write if it has no result, and numbers.
					run := func(loop reflect.Value) (out []float32, sum []reflect.Value) {
						var args []reflect.Value
						for i := range loop.Type().NumIn() {
							if loop.Type().In(i).Kind() == reflect.Slice {
								row := append([]float32{}, rows[i]...)
								if i == 0 {
									out = row
								}
								args = append(args, reflect.ValueOf(row[:n]))
							} else {
								args = append(args, reflect.ValueOf(.75+float64(i)/8))
							}
						}
						return out, loop.Call(args)
					}
					want, wantSum := run(portable.Field(f))
					got, gotSum := run(native.Field(f))
					at := fmt.Sprintf("%v: %s of %d elements", isa, native.Type().Field(f).Name, n)
					requireBits(t, want, got, func(i int) string { return fmt.Sprintf("%s, element %d", at, i) })
					for i, w := range wantSum {
						if w, g := w.Convert(reflect.TypeFor[float64]()).Float(), gotSum[i].Convert(reflect.TypeFor[float64]()).Float(); w == w || g == g {
							if runtime.GOARCH != "amd64" && math.Abs(w-g) <= 1e-13*float64(n)*max(1, math.Abs(w)) { // fused, see requireBits
								continue
							}
							require.Equal(t, math.Float64bits(w), math.Float64bits(g), "%s: %v, the portable loop gives %v", at, g, w)
						}
					}
				}
			}
		}
	}
}
