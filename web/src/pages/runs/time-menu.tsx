/** The time filter: presets, the last so-and-so many, or from one day to another. */

import { useState } from "preact/hooks";
import { boxNow } from "../../data/clock";
import { dayAndTime, zoneName } from "../../parts/format";
import { Icon } from "../../parts/icon";
import { Kbd } from "../../parts/marks";
import { Menu, MenuItem } from "../../parts/menu";
import { Calendar } from "./calendar";
import { PERIOD_ALL, PERIODS, periodMs, type RunFilters, timeWords } from "./filters";

interface Props {
  filters: RunFilters;
  onChange: (filters: RunFilters) => void;
  openCount: number;
}

function Range({ filters, onApply }: { filters: RunFilters; onApply: (filters: RunFilters) => void }) {
  const [number, unit] = /^(\d+)([mhd])$/.exec(filters.period ?? "")?.slice(1) ?? ["7", "d"];
  const [amount, setAmount] = useState(number as string);
  const [step, setStep] = useState(unit as string);
  const span = filters.period === null ? null : periodMs(filters.period);
  const [range, setRange] = useState<{ from: number | null; to: number | null }>({
    from: filters.from ?? (span === null ? null : boxNow() - span),
    to: filters.to ?? (span === null ? null : boxNow()),
  });
  const [isTouched, setTouched] = useState(false);
  const period = `${Number(amount)}${step}`;
  const isGood = isTouched ? range.from !== null : periodMs(period) !== null;
  const apply = (event: Event) => {
    event.preventDefault();
    if (!isGood) return;
    onApply(
      isTouched
        ? { ...filters, period: null, ...range, cursor: null }
        : { ...filters, period, from: null, to: null, cursor: null },
    );
  };
  return (
    <form onSubmit={apply}>
      <div class="row">
        <label class="t2 small" for="last-number">
          Last
        </label>
        <span class="field w96 num">
          <input
            id="last-number"
            inputMode="numeric"
            value={amount}
            aria-invalid={periodMs(period) === null}
            onInput={(event) => {
              setAmount(event.currentTarget.value.replace(/\D/g, ""));
              setTouched(false);
            }}
          />
        </span>
        <span class="field select grow">
          <select
            aria-label="Unit"
            value={step}
            onChange={(event) => {
              setStep(event.currentTarget.value);
              setTouched(false);
            }}
          >
            <option value="m">minutes</option>
            <option value="h">hours</option>
            <option value="d">days</option>
          </select>
          <Icon name="chevron-down" size={14} />
        </span>
      </div>
      <Calendar
        from={range.from}
        to={range.to}
        todayMs={boxNow()}
        onDays={(from, to) => {
          setRange({ from, to });
          setTouched(true);
        }}
      />
      <div class="row mt12">
        <span class="t3 small grow clip">
          {isTouched && range.from !== null
            ? `${dayAndTime(range.from)} to ${range.to === null ? "now" : dayAndTime(range.to)}`
            : zoneName()}
        </span>
        <button type="submit" class="btn sm primary" disabled={!isGood}>
          Apply
          <Kbd keys="enter" />
        </button>
      </div>
    </form>
  );
}

export function TimeMenu({ filters, onChange, openCount }: Props) {
  return (
    <Menu
      label={
        <>
          <Icon name="calendar" />
          {timeWords(filters)}
          <Kbd keys="d" />
        </>
      }
      look="btn sm h26"
      name={`Time range: ${timeWords(filters)}`}
      prefix="Time range:"
      kind="dialog"
      class="tmenu"
      openCount={openCount}
    >
      {(close) => {
        const apply = (next: RunFilters) => {
          close();
          onChange(next);
        };
        const choose = (period: string) => apply({ ...filters, period, from: null, to: null, cursor: null });
        return (
          <>
            <div role="menu" aria-label="Presets">
              {PERIODS.map(([period, words]) => (
                <MenuItem key={period} isOn={filters.period === period} onSelect={() => choose(period)}>
                  {words}
                </MenuItem>
              ))}
              <div class="rule" role="presentation" />
              <MenuItem isOn={filters.period === PERIOD_ALL} onSelect={() => choose(PERIOD_ALL)}>
                All retained
              </MenuItem>
            </div>
            <div>
              <Range filters={filters} onApply={apply} />
            </div>
          </>
        );
      }}
    </Menu>
  );
}
