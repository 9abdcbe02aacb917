// update.cu: whether gradients are finite, and steps of the optimizers that look at elements one by one; see update.go, rules.go and ops.UpdateRule.
//
// Arrays are sweeps over parameters, gradients and slots that lie side by side. What alignment leaves unused behind gradients is cleared first (finite_check), so
// that an update there is 0 - 0.
#include "pieces.cuh"

// Finite are losses [n], for which the first blocks of a launch are, and gradients.
struct Finite {
	int *flag;
	const float *losses;
	float *grad; // a sweep
	int n, blocks; // blocks for losses, each with a piece
	Arrays arrays;
};

// finite_check makes the flag 0 if an element is infinite or NaN.
KERNEL(256, finite_check)(Finite f)
{
	const float *x;
	int n;
	int block = blockIdx.x;
	if (block < f.blocks) {
		x = f.losses + block * piece_size;
		n = min(f.n - block * piece_size, piece_size);
	} else {
		Piece p = piece(f.arrays, block - f.blocks);
		x = f.grad + p.start;
		n = p.length;
		if ((int)threadIdx.x < (-n & (alignment - 1))) // behind an array's last piece
			f.grad[p.start + n + threadIdx.x] = 0;
	}
	bool all = true;
#pragma unroll 4
	for (int i = threadIdx.x; i < n; i += block_threads)
		all &= isfinite(x[i]);
	if (!all)
		atomicExch(f.flag, 0);
}

// Rules, in the order of kernels/cuda_update.go.
enum { sgd, momentum, nesterov, adam, rmsprop, adagrad, adadelta, adamax, lion, nadam, lamb, muon };

// Update is a step of a rule. The constants of a rule are named where they are used.
struct Update {
	float *param, *grad, *slot[3];
	const float *rate;
	const int *apply;
	i64 *iterations;
	float *prepared; // [4]: the rate of this step, and what the rule makes of it
	i64 n;
	int rule, counted, every, unused;
	float rate_factor, decay, a, b, keep_a, keep_b, epsilon, unused2;
};

// power is xᵗ, rounded as power of rules.go is.
DEVICE float power(float x, i64 t) { return pow((double)x, (double)t); }

// update_start counts the step and makes what all elements share. One thread runs.
KERNEL(32, update_start)(Update u)
{
	if (threadIdx.x != 0 || !*u.apply)
		return;
	i64 iterations = *u.iterations;
	if (!u.counted)
		*u.iterations = ++iterations;
	i64 t = iterations / u.every;
	float rate = *u.rate * u.rate_factor, own = rate;
	if (u.rule == adam)
		own = rate * (float)sqrt((double)(1 - power(u.b, t))) / (1 - power(u.a, t));
	if (u.rule == adamax)
		own = rate / (1 - power(u.a, t));
	if (u.rule == lamb) {
		own = 1 / (1 - power(u.a, t));
		u.prepared[2] = 1 / (1 - power(u.b, t));
	}
	u.prepared[0] = rate;
	u.prepared[1] = own;
}

// rise is nadamRise of ops/rules.go.
DEVICE float rise(i64 t) { return 1 - 0.5f * power(0.96f, t); }

// nadam_start is update_start of Nadam, which wants the product of the momenta of all steps so far. Its factors are made side by side, and multiplied in order
// until 1 less the product is 1. One block runs.
KERNEL(256, nadam_start)(Update u)
{
	SHARED(float, rises, [block_threads]);
	if (!*u.apply)
		return;
	i64 iterations = *u.iterations + (u.counted ? 0 : 1), t = iterations / u.every;
	float product = 1;
	for (i64 from = 1; from <= t && product > 1e-9f; from += block_threads) {
		rises[threadIdx.x] = rise(from + threadIdx.x);
		__syncthreads();
		for (int i = 0; i < block_threads && from + i <= t; i++)
			product = product * u.a * rises[i];
		__syncthreads();
	}
	__syncthreads(); // all have read the iterations
	if (threadIdx.x != 0)
		return;
	*u.iterations = iterations;
	float rate = *u.rate * u.rate_factor, now = u.a * rise(t), next = u.a * rise(t + 1);
	u.prepared[0] = rate;
	u.prepared[1] = rate * next / (1 - product * next);
	u.prepared[2] = rate * (1 - now) / (1 - product);
	u.prepared[3] = 1 / (1 - power(u.b, t));
}

template <int rule> DEVICE void sweep(const Update &u)
{
	if (!*u.apply)
		return;
	float rate = u.prepared[0], own = u.prepared[1], now = rule == nadam ? u.prepared[2] : 0, scale = rule == nadam ? u.prepared[3] : 0;
	for (i64 i = first(); i < u.n; i += step()) {
		float w = u.param[i], g = u.grad[i];
		if (u.decay != 0)
			w -= w * u.decay * rate;
		if (rule == sgd) {
			w -= g * own;
		} else if (rule == momentum || rule == nesterov) { // a: momentum
			float v = u.slot[0][i] * u.a - g * own;
			u.slot[0][i] = v;
			w += rule == nesterov ? v * u.a - g * own : v;
		} else if (rule == adam) { // a, b: Beta1, Beta2; keep: what 1 lacks
			float m = u.slot[0][i], v = u.slot[1][i];
			m += (g - m) * u.keep_a;
			v += (g * g - v) * u.keep_b;
			u.slot[0][i] = m;
			u.slot[1][i] = v;
			w -= m * own / (sqrtf(v) + u.epsilon);
		} else if (rule == rmsprop) { // a: Rho; b: momentum, where slot 1 is; slot 2 is there if centered
			float v = u.a * u.slot[0][i] + u.keep_a * g * g, size = v;
			u.slot[0][i] = v;
			if (u.slot[2]) {
				float mean = u.a * u.slot[2][i] + u.keep_a * g;
				u.slot[2][i] = mean;
				size = v - mean * mean;
				size = size < 0 ? 0 : size;
			}
			float d = own * g / sqrtf(size + u.epsilon);
			if (u.slot[1]) {
				d += u.b * u.slot[1][i];
				u.slot[1][i] = d;
			}
			w -= d;
		} else if (rule == adagrad) {
			float a = u.slot[0][i] + g * g;
			u.slot[0][i] = a;
			w -= own * g / sqrtf(a + u.epsilon);
		} else if (rule == adadelta) { // a: Rho
			float a = u.a * u.slot[0][i] + u.keep_a * g * g;
			float d = sqrtf(u.slot[1][i] + u.epsilon) * g / sqrtf(a + u.epsilon);
			u.slot[0][i] = a;
			u.slot[1][i] = u.a * u.slot[1][i] + u.keep_a * d * d;
			w -= own * d;
		} else if (rule == adamax) { // a, b: Beta1, Beta2
			float m = u.slot[0][i], v = u.b * u.slot[1][i], size = fabsf(g);
			m += (g - m) * u.keep_a;
			v = size > v || size != size ? size : v;
			u.slot[0][i] = m;
			u.slot[1][i] = v;
			w -= own * m / (v + u.epsilon);
		} else if (rule == lion) { // a, b: Beta1, Beta2
			float m = u.slot[0][i], direction = u.a * m + u.keep_a * g;
			w += direction > 0 ? -own : direction < 0 ? own : 0;
			u.slot[0][i] = u.b * m + u.keep_b * g;
		} else if (rule == nadam) { // own, now, scale: factors of m, g and v; keep: 1 less Beta1, Beta2
			float m = u.slot[0][i], v = u.slot[1][i];
			m += (g - m) * u.keep_a;
			v += (g * g - v) * u.keep_b;
			u.slot[0][i] = m;
			u.slot[1][i] = v;
			w -= (own * m + now * g) / (sqrtf(scale * v) + u.epsilon);
		}
		u.param[i] = w;
	}
}

KERNEL(256, update_sgd)(Update u) { sweep<sgd>(u); }
KERNEL(256, update_momentum)(Update u) { sweep<momentum>(u); }
KERNEL(256, update_nesterov)(Update u) { sweep<nesterov>(u); }
KERNEL(256, update_adam)(Update u) { sweep<adam>(u); }
KERNEL(256, update_rmsprop)(Update u) { sweep<rmsprop>(u); }
KERNEL(256, update_adagrad)(Update u) { sweep<adagrad>(u); }
KERNEL(256, update_adadelta)(Update u) { sweep<adadelta>(u); }
KERNEL(256, update_adamax)(Update u) { sweep<adamax>(u); }
KERNEL(256, update_lion)(Update u) { sweep<lion>(u); }
KERNEL(256, update_nadam)(Update u) { sweep<nadam>(u); }
