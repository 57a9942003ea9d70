// #region health
import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { EventBusHealthIndicator, EventBusHealthModule } from 'nestjs-eventbus/health';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly bus: EventBusHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  all() {
    return this.health.check([() => this.bus.isHealthy('eventBus')]); // for people and alarms
  }

  @Get('live')
  @HealthCheck()
  live() {
    return this.health.check([() => this.bus.isLive('eventBus')]);
  }

  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.bus.isReady('eventBus')]);
  }
}

@Module({ imports: [TerminusModule, EventBusHealthModule.register()], controllers: [HealthController] })
export class HealthModule {}
// #endregion
