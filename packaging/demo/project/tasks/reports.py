"""A nightly report that fans out: one child run per region, each with its own logs and output."""

from __future__ import annotations

from pydantic import BaseModel, Field

from trigger_box import Context, logger, metadata, task

REGIONS = ("north", "east", "south", "west")


class Night(BaseModel):
    """Which night to report on, and for which regions."""

    day: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    regions: list[str] = list(REGIONS)


class Region(BaseModel):
    """One region's share of the report."""

    day: str
    region: str


class Figures(BaseModel):
    """What one region sold."""

    region: str
    orders: int
    revenue_cents: int


@task("region-figures", description="Count one region's orders", max_duration="1m")
def region_figures(payload: Region) -> Figures:
    """Count one region's orders. A plain function: blocking code is welcome."""
    with logger.span("read orders", region=payload.region):
        # Made up from the names alone, so the same night always gives the same figures.
        seed = sum(ord(character) for character in payload.day + payload.region)
        orders = 40 + seed % 60
    print(f"{payload.region}: {orders} orders")
    return Figures(
        region=payload.region, orders=orders, revenue_cents=orders * (1_900 + seed % 700)
    )


@task("nightly-report", description="Start one child run for each region", max_duration="5m")
async def nightly_report(payload: Night, *, ctx: Context) -> dict[str, object]:
    """Start one child run for each region and say which runs they are."""
    started: list[str] = []
    for region in payload.regions:
        handle = await region_figures.trigger(
            Region(day=payload.day, region=region), tags=[f"region_{region}"]
        )
        started.append(handle.id)
        metadata.set("started", len(started))
        logger.info("started a region", region=region, run=handle.id)
    return {"day": payload.day, "attempt": ctx.attempt.number, "runs": started}
