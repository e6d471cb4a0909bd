// The name of the policy that ends migrations which do not converge. Decisions in results carry it.

export const timeLimitPolicy = 'time-limit';
