"""A task that fails twice, then succeeds: watch its attempts and the growing pause between them."""

from __future__ import annotations

from trigger_box import Context, logger, retry, task


class PaymentProviderDownError(Exception):
    """The payment provider did not answer."""


@task(
    "charge-card",
    description="Fails on the first two attempts",
    retry=retry.policy(max_attempts=4, min_delay="1s", max_delay="8s", factor=2),
)
async def charge_card(payload: dict[str, object], *, ctx: Context) -> dict[str, object]:
    """Fail on the first two attempts; the third one charges the card."""
    logger.info("calling the provider", attempt=ctx.attempt.number, order=payload.get("order"))
    if ctx.attempt.number < 3:
        raise PaymentProviderDownError(f"no answer on attempt {ctx.attempt.number}")
    return {"charged": True, "attempts": ctx.attempt.number}
