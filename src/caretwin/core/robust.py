"""Student-t channels: for monitors that now and then report an artefact (a kinked line, a flushed catheter).

Far from the prediction a normal density falls like exp(-z^2/2), so one absurd value drags the posterior with
it; a Student-t density falls like a power of z, so beyond a few standard deviations a value has ever less
influence.
Source: West, J R Stat Soc B 1984;46:431-439, doi:10.1111/j.2517-6161.1984.tb01317.x.
"""

import jax.numpy as jnp
from jax.scipy.special import gammaln, ndtr
from jaxtyping import Array, Float

Values = Float[Array, "..."]


def student_t_log_density(residual: Values, sd: Values | float, dof: Values | float) -> Values:
    """Log density of ``residual`` under a Student t with ``dof`` degrees of freedom and scale ``sd``,
    elementwise.

    residual, sd  in the channel's unit; ``sd`` is the scale, so the standard deviation is sd sqrt(dof / (dof
                  - 2))
    dof           > 0; 4 is customary for artefacts, and the normal density is the limit of large dof

    Example: ``student_t_log_density(jnp.array(0.0), 1.0, 4.0)`` is ln(3/8) = -0.98.
    """
    nu = jnp.asarray(dof)
    z = residual / sd
    log_normaliser = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * jnp.log(nu * jnp.pi) - jnp.log(sd)
    return log_normaliser - 0.5 * (nu + 1) * jnp.log1p(z**2 / nu)


def student_t4_from_normal(e: Values) -> Values:
    """A Student-t draw with 4 degrees of freedom and unit scale from a standard normal ``e``, elementwise and
    monotone.

    For a model's ``sample_observation``, where the luck comes as one normal number. Exact closed form, valid
    for |e| < 8: Shaw, J Comput Finance 2006;9(4):37-73, section 3 (quantile for n = 4).
    """
    # The upper tail by symmetry from the lower one, so that 1 - u is never formed from a u close to one.
    u = ndtr(-jnp.abs(e))
    root = jnp.sqrt(4 * u * (1 - u))
    q = jnp.cos(jnp.arccos(jnp.clip(root, 0.0, 1.0)) / 3) / root
    return jnp.sign(e) * 2 * jnp.sqrt(jnp.maximum(q - 1, 0.0))
