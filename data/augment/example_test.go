package augment_test

import (
	"fmt"

	"github.com/meseta-go/meseta/data/augment"
)

// A list from a configuration, applied to one image as the sample 7 of a data set sees it in the first two epochs.
func Example() {
	list, err := augment.Decode([]byte("[{random_flip: horizontal}, {cutout: 1}]"))
	if err != nil {
		fmt.Println(err)
		return
	}
	format := augment.Format{H: 2, W: 3, C: 1, Low: 0, High: 9}
	if err := list.Check(format); err != nil {
		fmt.Println(err)
		return
	}
	worker := augment.NewWorker(list, format, 1, 0)
	for epoch := range 2 {
		x := []float32{
			1, 2, 3,
			4, 5, 6,
		}
		worker.Apply(x, nil, []int32{7}, 1, epoch)
		fmt.Println(x)
	}
	// Output:
	// [0 2 1 6 5 4]
	// [3 2 1 6 5 0]
}
