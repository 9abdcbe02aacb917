package losses_test

import (
	"fmt"

	"github.com/meseta-go/meseta/losses"
)

// Losses by name, as configurations have them.
func ExampleConfigured() {
	loss, err := losses.Configured("huber", map[string]any{"delta": 0.5})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s: %+v\n", loss.ClassName(), loss)
	_, err = losses.Configured("huber", map[string]any{"gamma": 2})
	fmt.Println(err)
	// Output:
	// Huber: {Delta:0.5}
	// losses: Huber: there is no argument "gamma", there is delta: bad argument: bad loss configuration
}
