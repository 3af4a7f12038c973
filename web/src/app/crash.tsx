/** A fault in one part of the page stays in that part. */

import { Component, type ComponentChildren } from "preact";
import { Icon } from "../parts/icon";

interface Props {
  what: string;
  children: ComponentChildren;
}

export class Contained extends Component<Props, { fault: Error | null }> {
  override state = { fault: null as Error | null };

  override componentDidCatch(fault: Error): void {
    this.setState({ fault });
  }

  override render() {
    if (this.state.fault === null) return this.props.children;
    return (
      <div class="es" role="alert">
        <Icon name="warn" class="bad" />
        <h2>{this.props.what} could not be shown</h2>
        <p class="t3">This is a fault of the dashboard: {this.state.fault.message}</p>
        <button type="button" class="btn" onClick={() => this.setState({ fault: null })}>
          <Icon name="refresh" size={14} />
          Try again
        </button>
      </div>
    );
  }
}
