import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { EventBusHealthIndicator } from 'nestjs-eventbus/health';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly bus: EventBusHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  all() {
    return this.health.check([() => this.bus.isHealthy('eventBus')]);
  }

  /** Kubernetes' liveness probe: restart me. */
  @Get('live')
  @HealthCheck()
  live() {
    return this.health.check([() => this.bus.isLive('eventBus')]);
  }

  /** Kubernetes' readiness probe: send me requests. */
  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.bus.isReady('eventBus')]);
  }
}
