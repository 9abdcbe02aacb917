package checkpoint

import (
	"fmt"
	"testing"

	"github.com/meseta-go/meseta/ops"
	"github.com/stretchr/testify/assert"
)

// Numbers of a file whose products are more than an int or any memory holds are an error, before anything of that size is made.
func TestLayersTooLarge(t *testing.T) {
	for _, layer := range []string{
		`{"class_name":"Dense","config":{"name":"l","units":1099511627775}}`,
		`{"class_name":"Conv2D","config":{"name":"l","filters":4,"kernel_size":1048576,"padding":"same"}}`,
		`{"class_name":"DepthwiseConv2D","config":{"name":"l","depth_multiplier":1099511627775,"kernel_size":3}}`,
		`{"class_name":"Conv2DTranspose","config":{"name":"l","filters":3,"strides":65536,"kernel_size":3}}`,
		`{"class_name":"UpSampling2D","config":{"name":"l","size":1099511627775,"interpolation":"bilinear"}}`,
		`{"class_name":"ZeroPadding2D","config":{"name":"l","padding":[[1099511627775,0],[0,0]]}}`,
		`{"class_name":"Resizing","config":{"name":"l","height":4294967296,"width":4294967296}}`,
		`{"class_name":"Reshape","config":{"name":"l","target_shape":[4294967296,4294967296]}}`,
		`{"class_name":"Reshape","config":{"name":"l","target_shape":[4294967296,4294967296,-1]}}`,
	} {
		_, err := UnmarshalConfig(fmt.Appendf(nil, `{"class_name":"Sequential","config":{"name":"s","build_input_shape":[null,6,6,2],"layers":[%s]}}`, layer))
		assert.ErrorIs(t, err, ops.ErrShape, layer)
	}
}

// A 0 that Keras refuses is not taken for what was left out.
func TestZerosAreRefused(t *testing.T) {
	for _, argument := range []string{"strides", "dilation_rate", "groups"} {
		for _, value := range []string{"0", "[0,0]"} {
			text := fmt.Sprintf(`{"class_name":"Conv2D","config":{"name":"l","filters":4,"kernel_size":3,%q:%s}}`, argument, value)
			_, err := UnmarshalConfig(fmt.Appendf(nil, `{"class_name":"Sequential","config":{"name":"s","build_input_shape":[null,6,6,2],"layers":[%s]}}`, text))
			assert.ErrorContains(t, err, argument, text)
		}
	}
}
