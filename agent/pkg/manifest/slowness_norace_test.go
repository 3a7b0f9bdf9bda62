//go:build !race

package manifest

const slowness = 1
