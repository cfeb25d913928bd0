// Made by `npx tsx scripts/generate-dictionary.ts`: edit src/diameter/dictionary.

export type AddressSlot = number & { readonly slot: 'Address' };
export type GroupSlot = number & { readonly slot: 'Group' };
export type Integer32Slot = number & { readonly slot: 'Integer32' };
export type Integer64Slot = number & { readonly slot: 'Integer64' };
export type OctetsSlot = number & { readonly slot: 'Octets' };
export type TextSlot = number & { readonly slot: 'Text' };
export type TimeSlot = number & { readonly slot: 'Time' };
export type Unsigned32Slot = number & { readonly slot: 'Unsigned32' };
export type Unsigned64Slot = number & { readonly slot: 'Unsigned64' };

/** Slots inside Vendor-Specific-Application-Id. */
export const VendorSpecificApplicationId = {
  vendorId: 0 as Unsigned32Slot,
  authApplicationId: 1 as Unsigned32Slot,
  acctApplicationId: 2 as Unsigned32Slot,
} as const;

/** Slots inside Proxy-Info. */
export const ProxyInfo = {
  proxyHost: 0 as TextSlot,
  proxyState: 1 as OctetsSlot,
} as const;

/** Slots inside Failed-AVP. */
export const FailedAvp = {
} as const;

/** Slots inside Experimental-Result. */
export const ExperimentalResult = {
  vendorId: 0 as Unsigned32Slot,
  experimentalResultCode: 1 as Unsigned32Slot,
} as const;

/** Slots of CER. */
export const CapabilitiesExchangeRequest = {
  originHost: 0 as TextSlot,
  originRealm: 1 as TextSlot,
  hostIpAddress: 2 as AddressSlot,
  vendorId: 3 as Unsigned32Slot,
  productName: 4 as TextSlot,
  originStateId: 5 as Unsigned32Slot,
  supportedVendorId: 6 as Unsigned32Slot,
  authApplicationId: 7 as Unsigned32Slot,
  inbandSecurityId: 8 as Unsigned32Slot,
  acctApplicationId: 9 as Unsigned32Slot,
  vendorSpecificApplicationId: 10 as GroupSlot,
  firmwareRevision: 11 as Unsigned32Slot,
} as const;

/** Slots of CEA. */
export const CapabilitiesExchangeAnswer = {
  resultCode: 0 as Unsigned32Slot,
  originHost: 1 as TextSlot,
  originRealm: 2 as TextSlot,
  hostIpAddress: 3 as AddressSlot,
  vendorId: 4 as Unsigned32Slot,
  productName: 5 as TextSlot,
  originStateId: 6 as Unsigned32Slot,
  errorMessage: 7 as TextSlot,
  failedAvp: 8 as GroupSlot,
  supportedVendorId: 9 as Unsigned32Slot,
  authApplicationId: 10 as Unsigned32Slot,
  inbandSecurityId: 11 as Unsigned32Slot,
  acctApplicationId: 12 as Unsigned32Slot,
  vendorSpecificApplicationId: 13 as GroupSlot,
  firmwareRevision: 14 as Unsigned32Slot,
} as const;

/** Slots of DWR. */
export const DeviceWatchdogRequest = {
  originHost: 0 as TextSlot,
  originRealm: 1 as TextSlot,
  originStateId: 2 as Unsigned32Slot,
} as const;

/** Slots of DWA. */
export const DeviceWatchdogAnswer = {
  resultCode: 0 as Unsigned32Slot,
  originHost: 1 as TextSlot,
  originRealm: 2 as TextSlot,
  errorMessage: 3 as TextSlot,
  failedAvp: 4 as GroupSlot,
  originStateId: 5 as Unsigned32Slot,
} as const;

/** Slots of DPR. */
export const DisconnectPeerRequest = {
  originHost: 0 as TextSlot,
  originRealm: 1 as TextSlot,
  disconnectCause: 2 as Integer32Slot,
} as const;

/** Slots of DPA. */
export const DisconnectPeerAnswer = {
  resultCode: 0 as Unsigned32Slot,
  originHost: 1 as TextSlot,
  originRealm: 2 as TextSlot,
  errorMessage: 3 as TextSlot,
  failedAvp: 4 as GroupSlot,
} as const;

/** Slots of RAR. */
export const ReAuthRequest = {
  sessionId: 0 as TextSlot,
  originHost: 1 as TextSlot,
  originRealm: 2 as TextSlot,
  destinationRealm: 3 as TextSlot,
  destinationHost: 4 as TextSlot,
  authApplicationId: 5 as Unsigned32Slot,
  reAuthRequestType: 6 as Integer32Slot,
  userName: 7 as TextSlot,
  originStateId: 8 as Unsigned32Slot,
  proxyInfo: 9 as GroupSlot,
  routeRecord: 10 as TextSlot,
} as const;

/** Slots of RAA. */
export const ReAuthAnswer = {
  sessionId: 0 as TextSlot,
  resultCode: 1 as Unsigned32Slot,
  experimentalResult: 2 as GroupSlot,
  originHost: 3 as TextSlot,
  originRealm: 4 as TextSlot,
  userName: 5 as TextSlot,
  originStateId: 6 as Unsigned32Slot,
  errorMessage: 7 as TextSlot,
  errorReportingHost: 8 as TextSlot,
  failedAvp: 9 as GroupSlot,
  redirectHost: 10 as TextSlot,
  redirectHostUsage: 11 as Integer32Slot,
  redirectMaxCacheTime: 12 as Unsigned32Slot,
  proxyInfo: 13 as GroupSlot,
} as const;

/** Slots of ASR. */
export const AbortSessionRequest = {
  sessionId: 0 as TextSlot,
  originHost: 1 as TextSlot,
  originRealm: 2 as TextSlot,
  destinationRealm: 3 as TextSlot,
  destinationHost: 4 as TextSlot,
  authApplicationId: 5 as Unsigned32Slot,
  userName: 6 as TextSlot,
  originStateId: 7 as Unsigned32Slot,
  proxyInfo: 8 as GroupSlot,
  routeRecord: 9 as TextSlot,
} as const;

/** Slots of ASA. */
export const AbortSessionAnswer = {
  sessionId: 0 as TextSlot,
  resultCode: 1 as Unsigned32Slot,
  experimentalResult: 2 as GroupSlot,
  originHost: 3 as TextSlot,
  originRealm: 4 as TextSlot,
  userName: 5 as TextSlot,
  originStateId: 6 as Unsigned32Slot,
  errorMessage: 7 as TextSlot,
  errorReportingHost: 8 as TextSlot,
  failedAvp: 9 as GroupSlot,
  redirectHost: 10 as TextSlot,
  redirectHostUsage: 11 as Integer32Slot,
  redirectMaxCacheTime: 12 as Unsigned32Slot,
  proxyInfo: 13 as GroupSlot,
} as const;

/** Slots inside CC-Money. */
export const CcMoney = {
  unitValue: 0 as GroupSlot,
  currencyCode: 1 as Unsigned32Slot,
} as const;

/** Slots inside Unit-Value. */
export const UnitValue = {
  valueDigits: 0 as Integer64Slot,
  exponent: 1 as Integer32Slot,
} as const;

/** Slots inside Cost-Information. */
export const CostInformation = {
  unitValue: 0 as GroupSlot,
  currencyCode: 1 as Unsigned32Slot,
  costUnit: 2 as TextSlot,
} as const;

/** Slots inside Final-Unit-Indication. */
export const FinalUnitIndication = {
  finalUnitAction: 0 as Integer32Slot,
  restrictionFilterRule: 1 as TextSlot,
  filterId: 2 as TextSlot,
  redirectServer: 3 as GroupSlot,
} as const;

/** Slots inside QoS-Final-Unit-Indication. */
export const QoSFinalUnitIndication = {
  finalUnitAction: 0 as Integer32Slot,
  filterId: 1 as TextSlot,
  redirectServerExtension: 2 as GroupSlot,
} as const;

/** Slots inside Redirect-Server. */
export const RedirectServer = {
  redirectAddressType: 0 as Integer32Slot,
  redirectServerAddress: 1 as TextSlot,
} as const;

/** Slots inside Redirect-Server-Extension. */
export const RedirectServerExtension = {
  redirectAddressIPAddress: 0 as AddressSlot,
  redirectAddressUrl: 1 as TextSlot,
  redirectAddressSipUri: 2 as TextSlot,
} as const;

/** Slots inside Granted-Service-Unit. */
export const GrantedServiceUnit = {
  tariffTimeChange: 0 as TimeSlot,
  ccTime: 1 as Unsigned32Slot,
  ccMoney: 2 as GroupSlot,
  ccTotalOctets: 3 as Unsigned64Slot,
  ccInputOctets: 4 as Unsigned64Slot,
  ccOutputOctets: 5 as Unsigned64Slot,
  ccServiceSpecificUnits: 6 as Unsigned64Slot,
} as const;

/** Slots inside Requested-Service-Unit. */
export const RequestedServiceUnit = {
  ccTime: 0 as Unsigned32Slot,
  ccMoney: 1 as GroupSlot,
  ccTotalOctets: 2 as Unsigned64Slot,
  ccInputOctets: 3 as Unsigned64Slot,
  ccOutputOctets: 4 as Unsigned64Slot,
  ccServiceSpecificUnits: 5 as Unsigned64Slot,
} as const;

/** Slots inside Used-Service-Unit. */
export const UsedServiceUnit = {
  tariffChangeUsage: 0 as Integer32Slot,
  ccTime: 1 as Unsigned32Slot,
  ccMoney: 2 as GroupSlot,
  ccTotalOctets: 3 as Unsigned64Slot,
  ccInputOctets: 4 as Unsigned64Slot,
  ccOutputOctets: 5 as Unsigned64Slot,
  ccServiceSpecificUnits: 6 as Unsigned64Slot,
  reportingReason: 7 as Integer32Slot,
  eventChargingTimeStamp: 8 as TimeSlot,
} as const;

/** Slots inside G-S-U-Pool-Reference. */
export const GsuPoolReference = {
  gsuPoolIdentifier: 0 as Unsigned32Slot,
  ccUnitType: 1 as Integer32Slot,
  unitValue: 2 as GroupSlot,
} as const;

/** Slots inside Multiple-Services-Credit-Control. */
export const MultipleServicesCreditControl = {
  grantedServiceUnit: 0 as GroupSlot,
  requestedServiceUnit: 1 as GroupSlot,
  usedServiceUnit: 2 as GroupSlot,
  tariffChangeUsage: 3 as Integer32Slot,
  serviceIdentifier: 4 as Unsigned32Slot,
  ratingGroup: 5 as Unsigned32Slot,
  gsuPoolReference: 6 as GroupSlot,
  validityTime: 7 as Unsigned32Slot,
  resultCode: 8 as Unsigned32Slot,
  finalUnitIndication: 9 as GroupSlot,
  qoSFinalUnitIndication: 10 as GroupSlot,
  timeQuotaThreshold: 11 as Unsigned32Slot,
  volumeQuotaThreshold: 12 as Unsigned32Slot,
  unitQuotaThreshold: 13 as Unsigned32Slot,
  quotaHoldingTime: 14 as Unsigned32Slot,
  quotaConsumptionTime: 15 as Unsigned32Slot,
  reportingReason: 16 as Integer32Slot,
  trigger: 17 as GroupSlot,
  psFurnishChargingInformation: 18 as GroupSlot,
  refundInformation: 19 as OctetsSlot,
  afCorrelationInformation: 20 as GroupSlot,
  envelope: 21 as GroupSlot,
  envelopeReporting: 22 as Integer32Slot,
  timeQuotaMechanism: 23 as GroupSlot,
  serviceSpecificInfo: 24 as GroupSlot,
  qoSInformation: 25 as GroupSlot,
} as const;

/** Slots inside Subscription-Id. */
export const SubscriptionId = {
  subscriptionIdType: 0 as Integer32Slot,
  subscriptionIdData: 1 as TextSlot,
} as const;

/** Slots inside Subscription-Id-Extension. */
export const SubscriptionIdExtension = {
  subscriptionIdE164: 0 as TextSlot,
  subscriptionIdImsi: 1 as TextSlot,
  subscriptionIdSipUri: 2 as TextSlot,
  subscriptionIdNai: 3 as TextSlot,
  subscriptionIdPrivate: 4 as TextSlot,
} as const;

/** Slots inside User-Equipment-Info. */
export const UserEquipmentInfo = {
  userEquipmentInfoType: 0 as Integer32Slot,
  userEquipmentInfoValue: 1 as OctetsSlot,
} as const;

/** Slots inside User-Equipment-Info-Extension. */
export const UserEquipmentInfoExtension = {
  userEquipmentInfoImeisv: 0 as OctetsSlot,
  userEquipmentInfoMac: 1 as OctetsSlot,
  userEquipmentInfoEui64: 2 as OctetsSlot,
  userEquipmentInfoModifiedEUI64: 3 as OctetsSlot,
  userEquipmentInfoImei: 4 as OctetsSlot,
} as const;

/** Slots inside Service-Parameter-Info. */
export const ServiceParameterInfo = {
  serviceParameterType: 0 as Unsigned32Slot,
  serviceParameterValue: 1 as OctetsSlot,
} as const;

/** Slots of CCR. */
export const CreditControlRequest = {
  sessionId: 0 as TextSlot,
  originHost: 1 as TextSlot,
  originRealm: 2 as TextSlot,
  destinationRealm: 3 as TextSlot,
  authApplicationId: 4 as Unsigned32Slot,
  serviceContextId: 5 as TextSlot,
  ccRequestType: 6 as Integer32Slot,
  ccRequestNumber: 7 as Unsigned32Slot,
  destinationHost: 8 as TextSlot,
  userName: 9 as TextSlot,
  ccSubSessionId: 10 as Unsigned64Slot,
  acctMultiSessionId: 11 as TextSlot,
  originStateId: 12 as Unsigned32Slot,
  eventTimestamp: 13 as TimeSlot,
  subscriptionId: 14 as GroupSlot,
  subscriptionIdExtension: 15 as GroupSlot,
  serviceIdentifier: 16 as Unsigned32Slot,
  terminationCause: 17 as Integer32Slot,
  requestedServiceUnit: 18 as GroupSlot,
  requestedAction: 19 as Integer32Slot,
  usedServiceUnit: 20 as GroupSlot,
  multipleServicesIndicator: 21 as Integer32Slot,
  multipleServicesCreditControl: 22 as GroupSlot,
  serviceParameterInfo: 23 as GroupSlot,
  ccCorrelationId: 24 as OctetsSlot,
  userEquipmentInfo: 25 as GroupSlot,
  userEquipmentInfoExtension: 26 as GroupSlot,
  aoCRequestType: 27 as Integer32Slot,
  serviceInformation: 28 as GroupSlot,
  proxyInfo: 29 as GroupSlot,
  routeRecord: 30 as TextSlot,
} as const;

/** Slots of CCA. */
export const CreditControlAnswer = {
  sessionId: 0 as TextSlot,
  resultCode: 1 as Unsigned32Slot,
  originHost: 2 as TextSlot,
  originRealm: 3 as TextSlot,
  authApplicationId: 4 as Unsigned32Slot,
  ccRequestType: 5 as Integer32Slot,
  ccRequestNumber: 6 as Unsigned32Slot,
  userName: 7 as TextSlot,
  ccSessionFailover: 8 as Integer32Slot,
  ccSubSessionId: 9 as Unsigned64Slot,
  acctMultiSessionId: 10 as TextSlot,
  originStateId: 11 as Unsigned32Slot,
  eventTimestamp: 12 as TimeSlot,
  grantedServiceUnit: 13 as GroupSlot,
  multipleServicesCreditControl: 14 as GroupSlot,
  costInformation: 15 as GroupSlot,
  finalUnitIndication: 16 as GroupSlot,
  qoSFinalUnitIndication: 17 as GroupSlot,
  checkBalanceResult: 18 as Integer32Slot,
  creditControlFailureHandling: 19 as Integer32Slot,
  directDebitingFailureHandling: 20 as Integer32Slot,
  validityTime: 21 as Unsigned32Slot,
  lowBalanceIndication: 22 as Integer32Slot,
  remainingBalance: 23 as GroupSlot,
  redirectHost: 24 as TextSlot,
  redirectHostUsage: 25 as Integer32Slot,
  redirectMaxCacheTime: 26 as Unsigned32Slot,
  serviceInformation: 27 as GroupSlot,
  proxyInfo: 28 as GroupSlot,
  routeRecord: 29 as TextSlot,
  failedAvp: 30 as GroupSlot,
} as const;

/** Slots inside Service-Information. */
export const ServiceInformation = {
  subscriptionId: 0 as GroupSlot,
  aoCInformation: 1 as GroupSlot,
  psInformation: 2 as GroupSlot,
  imsInformation: 3 as GroupSlot,
  mmsInformation: 4 as GroupSlot,
  lcsInformation: 5 as GroupSlot,
  poCInformation: 6 as GroupSlot,
  mbmsInformation: 7 as GroupSlot,
  smsInformation: 8 as GroupSlot,
  vcsInformation: 9 as GroupSlot,
  mMTelInformation: 10 as GroupSlot,
  serviceGenericInformation: 11 as GroupSlot,
  imInformation: 12 as GroupSlot,
  dcdInformation: 13 as GroupSlot,
} as const;

/** Slots inside PS-Information. */
export const PsInformation = {
  threeGppChargingId: 0 as OctetsSlot,
  pdnConnectionChargingId: 1 as Unsigned32Slot,
  nodeId: 2 as TextSlot,
  threeGppPdpType: 3 as Integer32Slot,
  pdpAddress: 4 as AddressSlot,
  pdpAddressPrefixLength: 5 as Unsigned32Slot,
  dynamicAddressFlag: 6 as Integer32Slot,
  dynamicAddressFlagExtension: 7 as Integer32Slot,
  qoSInformation: 8 as GroupSlot,
  sgsnAddress: 9 as AddressSlot,
  ggsnAddress: 10 as AddressSlot,
  sgwAddress: 11 as AddressSlot,
  cgAddress: 12 as AddressSlot,
  servingNodeType: 13 as Integer32Slot,
  sgwChange: 14 as Integer32Slot,
  threeGppImsiMccMnc: 15 as TextSlot,
  imsiUnauthenticatedFlag: 16 as Integer32Slot,
  threeGppGgsnMccMnc: 17 as TextSlot,
  threeGppNsapi: 18 as TextSlot,
  calledStationId: 19 as TextSlot,
  threeGppSessionStopIndicator: 20 as OctetsSlot,
  threeGppSelectionMode: 21 as TextSlot,
  threeGppChargingCharacteristics: 22 as TextSlot,
  chargingCharacteristicsSelectionMode: 23 as Integer32Slot,
  threeGppSgsnMccMnc: 24 as TextSlot,
  threeGppMsTimeZone: 25 as OctetsSlot,
  chargingRuleBaseName: 26 as TextSlot,
  threeGppUserLocationInfo: 27 as OctetsSlot,
  userCsgInformation: 28 as GroupSlot,
  twanUserLocationInfo: 29 as GroupSlot,
  threeGppRatType: 30 as OctetsSlot,
  psFurnishChargingInformation: 31 as GroupSlot,
  pdpContextType: 32 as Integer32Slot,
  offlineCharging: 33 as GroupSlot,
  trafficDataVolumes: 34 as GroupSlot,
  serviceDataContainer: 35 as GroupSlot,
  userEquipmentInfo: 36 as GroupSlot,
  lowPriorityIndicator: 37 as Integer32Slot,
  startTime: 38 as TimeSlot,
  stopTime: 39 as TimeSlot,
  changeCondition: 40 as Integer32Slot,
  diagnostics: 41 as Integer32Slot,
} as const;

/** Slots inside QoS-Information. */
export const QoSInformation = {
  qoSClassIdentifier: 0 as Integer32Slot,
  maxRequestedBandwidthUl: 1 as Unsigned32Slot,
  maxRequestedBandwidthDl: 2 as Unsigned32Slot,
  guaranteedBitrateUl: 3 as Unsigned32Slot,
  guaranteedBitrateDl: 4 as Unsigned32Slot,
  bearerIdentifier: 5 as OctetsSlot,
  allocationRetentionPriority: 6 as GroupSlot,
  apnAggregateMaxBitrateUl: 7 as Unsigned32Slot,
  apnAggregateMaxBitrateDl: 8 as Unsigned32Slot,
} as const;

/** Slots inside Allocation-Retention-Priority. */
export const AllocationRetentionPriority = {
  priorityLevel: 0 as Unsigned32Slot,
  preEmptionCapability: 1 as Integer32Slot,
  preEmptionVulnerability: 2 as Integer32Slot,
} as const;

/** Slots inside IMS-Information. */
export const ImsInformation = {
  eventType: 0 as GroupSlot,
  roleOfNode: 1 as Integer32Slot,
  nodeFunctionality: 2 as Integer32Slot,
  userSessionId: 3 as TextSlot,
  outgoingSessionId: 4 as TextSlot,
  callingPartyAddress: 5 as TextSlot,
  calledPartyAddress: 6 as TextSlot,
  calledAssertedIdentity: 7 as TextSlot,
  requestedPartyAddress: 8 as TextSlot,
  alternateChargedPartyAddress: 9 as TextSlot,
  associatedUri: 10 as TextSlot,
  timeStamps: 11 as GroupSlot,
  applicationServerInformation: 12 as GroupSlot,
  interOperatorIdentifier: 13 as GroupSlot,
  imsChargingIdentifier: 14 as TextSlot,
  sdpSessionDescription: 15 as TextSlot,
  sdpMediaComponent: 16 as GroupSlot,
  servedPartyIpAddress: 17 as AddressSlot,
  trunkGroupId: 18 as GroupSlot,
  bearerService: 19 as OctetsSlot,
  serviceId: 20 as TextSlot,
  serviceSpecificInfo: 21 as GroupSlot,
  messageBody: 22 as GroupSlot,
  causeCode: 23 as Integer32Slot,
  imsCommunicationServiceIdentifier: 24 as TextSlot,
  imsVisitedNetworkIdentifier: 25 as TextSlot,
} as const;

/** Slots inside Event-Type. */
export const EventType = {
  sipMethod: 0 as TextSlot,
  event: 1 as TextSlot,
  expires: 2 as Unsigned32Slot,
} as const;

/** Slots inside SMS-Information. */
export const SmsInformation = {
  smsNode: 0 as Integer32Slot,
  clientAddress: 1 as AddressSlot,
  originatorSccpAddress: 2 as AddressSlot,
  smscAddress: 3 as AddressSlot,
  dataCodingScheme: 4 as Integer32Slot,
  smDischargeTime: 5 as TimeSlot,
  smMessageType: 6 as Integer32Slot,
  originatorInterface: 7 as GroupSlot,
  smProtocolId: 8 as OctetsSlot,
  replyPathRequested: 9 as Integer32Slot,
  smStatus: 10 as OctetsSlot,
  smUserDataHeader: 11 as OctetsSlot,
  numberOfMessagesSent: 12 as Unsigned32Slot,
  smServiceType: 13 as Integer32Slot,
  recipientInfo: 14 as GroupSlot,
  originatorReceivedAddress: 15 as GroupSlot,
} as const;

/** Slots inside Recipient-Info. */
export const RecipientInfo = {
  destinationInterface: 0 as GroupSlot,
  recipientAddress: 1 as GroupSlot,
  recipientReceivedAddress: 2 as GroupSlot,
  recipientSccpAddress: 3 as AddressSlot,
  smProtocolId: 4 as OctetsSlot,
} as const;

/** Slots inside Recipient-Address. */
export const RecipientAddress = {
  addressType: 0 as Integer32Slot,
  addressData: 1 as TextSlot,
  addressDomain: 2 as GroupSlot,
  addresseeType: 3 as Integer32Slot,
} as const;

/** Slots inside Originator-Received-Address. */
export const OriginatorReceivedAddress = {
  addressType: 0 as Integer32Slot,
  addressData: 1 as TextSlot,
  addressDomain: 2 as GroupSlot,
} as const;

/** Slots inside Remaining-Balance. */
export const RemainingBalance = {
  unitValue: 0 as GroupSlot,
  currencyCode: 1 as Unsigned32Slot,
} as const;

/** Slots inside Trigger. */
export const Trigger = {
  triggerType: 0 as Integer32Slot,
} as const;

export interface GrammarRow {
  readonly name: string;
  /** Command code, or -1 for a group. */
  readonly command: number;
  readonly request: boolean;
  /** Place of the group in the AVP tables, or -1 for a message. */
  readonly avp: number;
  /** Whether AVPs that the grammar does not name are welcome. */
  readonly open: boolean;
  /** By slot: AVP, least number of times (0 or 1), most (0: any). */
  readonly members: readonly (readonly [number, number, number])[];
}

export const GRAMMAR_ROWS: readonly GrammarRow[] = [
  {
    name: 'Vendor-Specific-Application-Id',
    command: -1,
    request: false,
    avp: 17,
    open: false,
    members: [[23, 0, 0], [15, 0, 1], [16, 0, 1]],
  },
  {
    name: 'Proxy-Info',
    command: -1,
    request: false,
    avp: 40,
    open: true,
    members: [[36, 1, 1], [7, 1, 1]],
  },
  {
    name: 'Failed-AVP',
    command: -1,
    request: false,
    avp: 35,
    open: true,
    members: [],
  },
  {
    name: 'Experimental-Result',
    command: -1,
    request: false,
    avp: 49,
    open: false,
    members: [[23, 1, 1], [50, 1, 1]],
  },
  {
    name: 'Capabilities-Exchange-Request',
    command: 257,
    request: true,
    avp: -1,
    open: true,
    members: [[21, 1, 1], [48, 1, 1], [14, 1, 0], [23, 1, 1], [26, 1, 1], [34, 0, 1], [22, 0, 0], [15, 0, 0], [51, 0, 0], [16, 0, 0], [17, 0, 0], [24, 0, 1]],
  },
  {
    name: 'Capabilities-Exchange-Answer',
    command: 257,
    request: false,
    avp: -1,
    open: true,
    members: [[25, 1, 1], [21, 1, 1], [48, 1, 1], [14, 0, 0], [23, 0, 1], [26, 0, 1], [34, 0, 1], [37, 0, 1], [35, 0, 1], [22, 0, 0], [15, 0, 0], [51, 0, 0], [16, 0, 0], [17, 0, 0], [24, 0, 1]],
  },
  {
    name: 'Device-Watchdog-Request',
    command: 280,
    request: true,
    avp: -1,
    open: true,
    members: [[21, 1, 1], [48, 1, 1], [34, 0, 1]],
  },
  {
    name: 'Device-Watchdog-Answer',
    command: 280,
    request: false,
    avp: -1,
    open: true,
    members: [[25, 1, 1], [21, 1, 1], [48, 1, 1], [37, 0, 1], [35, 0, 1], [34, 0, 1]],
  },
  {
    name: 'Disconnect-Peer-Request',
    command: 282,
    request: true,
    avp: -1,
    open: true,
    members: [[21, 1, 1], [48, 1, 1], [30, 1, 1]],
  },
  {
    name: 'Disconnect-Peer-Answer',
    command: 282,
    request: false,
    avp: -1,
    open: true,
    members: [[25, 1, 1], [21, 1, 1], [48, 1, 1], [37, 0, 1], [35, 0, 1]],
  },
  {
    name: 'Re-Auth-Request',
    command: 258,
    request: true,
    avp: -1,
    open: true,
    members: [[20, 1, 1], [21, 1, 1], [48, 1, 1], [39, 1, 1], [45, 1, 1], [15, 1, 1], [41, 1, 1], [0, 0, 1], [34, 0, 1], [40, 0, 0], [38, 0, 0]],
  },
  {
    name: 'Re-Auth-Answer',
    command: 258,
    request: false,
    avp: -1,
    open: true,
    members: [[20, 1, 1], [25, 0, 1], [49, 0, 1], [21, 1, 1], [48, 1, 1], [0, 0, 1], [34, 0, 1], [37, 0, 1], [46, 0, 1], [35, 0, 1], [44, 0, 0], [18, 0, 1], [19, 0, 1], [40, 0, 0]],
  },
  {
    name: 'Abort-Session-Request',
    command: 274,
    request: true,
    avp: -1,
    open: true,
    members: [[20, 1, 1], [21, 1, 1], [48, 1, 1], [39, 1, 1], [45, 1, 1], [15, 1, 1], [0, 0, 1], [34, 0, 1], [40, 0, 0], [38, 0, 0]],
  },
  {
    name: 'Abort-Session-Answer',
    command: 274,
    request: false,
    avp: -1,
    open: true,
    members: [[20, 1, 1], [25, 0, 1], [49, 0, 1], [21, 1, 1], [48, 1, 1], [0, 0, 1], [34, 0, 1], [37, 0, 1], [46, 0, 1], [35, 0, 1], [44, 0, 0], [18, 0, 1], [19, 0, 1], [40, 0, 0]],
  },
  {
    name: 'CC-Money',
    command: -1,
    request: false,
    avp: 62,
    open: false,
    members: [[94, 1, 1], [74, 0, 1]],
  },
  {
    name: 'Unit-Value',
    command: -1,
    request: false,
    avp: 94,
    open: false,
    members: [[96, 1, 1], [78, 0, 1]],
  },
  {
    name: 'Cost-Information',
    command: -1,
    request: false,
    avp: 72,
    open: false,
    members: [[94, 1, 1], [74, 1, 1], [73, 0, 1]],
  },
  {
    name: 'Final-Unit-Indication',
    command: -1,
    request: false,
    avp: 79,
    open: false,
    members: [[98, 1, 1], [87, 0, 0], [2, 0, 0], [83, 0, 1]],
  },
  {
    name: 'QoS-Final-Unit-Indication',
    command: -1,
    request: false,
    avp: 127,
    open: true,
    members: [[98, 1, 1], [2, 0, 0], [123, 0, 0]],
  },
  {
    name: 'Redirect-Server',
    command: -1,
    request: false,
    avp: 83,
    open: false,
    members: [[82, 1, 1], [84, 1, 1]],
  },
  {
    name: 'Redirect-Server-Extension',
    command: -1,
    request: false,
    avp: 123,
    open: true,
    members: [[124, 0, 1], [125, 0, 1], [126, 0, 1]],
  },
  {
    name: 'Granted-Service-Unit',
    command: -1,
    request: false,
    avp: 80,
    open: true,
    members: [[100, 0, 1], [69, 0, 1], [62, 0, 1], [70, 0, 1], [61, 0, 1], [63, 0, 1], [66, 0, 1]],
  },
  {
    name: 'Requested-Service-Unit',
    command: -1,
    request: false,
    avp: 86,
    open: true,
    members: [[69, 0, 1], [62, 0, 1], [70, 0, 1], [61, 0, 1], [63, 0, 1], [66, 0, 1]],
  },
  {
    name: 'Used-Service-Unit',
    command: -1,
    request: false,
    avp: 95,
    open: true,
    members: [[101, 0, 1], [69, 0, 1], [62, 0, 1], [70, 0, 1], [61, 0, 1], [63, 0, 1], [66, 0, 1], [208, 0, 1], [259, 0, 0]],
  },
  {
    name: 'G-S-U-Pool-Reference',
    command: -1,
    request: false,
    avp: 106,
    open: false,
    members: [[102, 1, 1], [103, 1, 1], [94, 1, 1]],
  },
  {
    name: 'Multiple-Services-Credit-Control',
    command: -1,
    request: false,
    avp: 105,
    open: true,
    members: [[80, 0, 1], [86, 0, 1], [95, 0, 0], [101, 0, 1], [88, 0, 0], [81, 0, 1], [106, 0, 0], [97, 0, 1], [25, 0, 1], [79, 0, 1], [127, 0, 1], [204, 0, 1], [205, 0, 1], [250, 0, 1], [207, 0, 1], [217, 0, 1], [208, 0, 0], [261, 0, 0], [201, 0, 1], [300, 0, 1], [273, 0, 0], [263, 0, 0], [265, 0, 1], [267, 0, 1], [254, 0, 0], [227, 0, 1]],
  },
  {
    name: 'Subscription-Id',
    command: -1,
    request: false,
    avp: 92,
    open: false,
    members: [[99, 1, 1], [93, 1, 1]],
  },
  {
    name: 'Subscription-Id-Extension',
    command: -1,
    request: false,
    avp: 117,
    open: true,
    members: [[118, 0, 1], [119, 0, 1], [120, 0, 1], [121, 0, 1], [122, 0, 1]],
  },
  {
    name: 'User-Equipment-Info',
    command: -1,
    request: false,
    avp: 107,
    open: false,
    members: [[108, 1, 1], [109, 1, 1]],
  },
  {
    name: 'User-Equipment-Info-Extension',
    command: -1,
    request: false,
    avp: 111,
    open: true,
    members: [[112, 0, 1], [113, 0, 1], [114, 0, 1], [115, 0, 1], [116, 0, 1]],
  },
  {
    name: 'Service-Parameter-Info',
    command: -1,
    request: false,
    avp: 89,
    open: false,
    members: [[90, 1, 1], [91, 1, 1]],
  },
  {
    name: 'Credit-Control-Request',
    command: 272,
    request: true,
    avp: -1,
    open: true,
    members: [[20, 1, 1], [21, 1, 1], [48, 1, 1], [39, 1, 1], [15, 1, 1], [110, 1, 1], [65, 1, 1], [64, 1, 1], [45, 0, 1], [0, 0, 1], [68, 0, 1], [9, 0, 1], [34, 0, 1], [10, 0, 1], [92, 0, 0], [117, 0, 0], [88, 0, 1], [47, 0, 1], [86, 0, 1], [85, 0, 1], [95, 0, 0], [104, 0, 1], [105, 0, 0], [89, 0, 0], [60, 0, 1], [107, 0, 1], [111, 0, 1], [330, 0, 1], [209, 0, 1], [40, 0, 0], [38, 0, 0]],
  },
  {
    name: 'Credit-Control-Answer',
    command: 272,
    request: false,
    avp: -1,
    open: true,
    members: [[20, 1, 1], [25, 1, 1], [21, 1, 1], [48, 1, 1], [15, 1, 1], [65, 1, 1], [64, 1, 1], [0, 0, 1], [67, 0, 1], [68, 0, 1], [9, 0, 1], [34, 0, 1], [10, 0, 1], [80, 0, 1], [105, 0, 0], [72, 0, 1], [79, 0, 1], [127, 0, 1], [71, 0, 1], [76, 0, 1], [77, 0, 1], [97, 0, 1], [298, 0, 1], [299, 0, 1], [44, 0, 0], [18, 0, 1], [19, 0, 1], [209, 0, 1], [40, 0, 0], [38, 0, 0], [35, 0, 0]],
  },
  {
    name: 'Service-Information',
    command: -1,
    request: false,
    avp: 209,
    open: true,
    members: [[92, 0, 0], [329, 0, 1], [210, 0, 1], [212, 0, 1], [213, 0, 1], [214, 0, 1], [215, 0, 1], [216, 0, 1], [278, 0, 1], [380, 0, 1], [307, 0, 1], [257, 0, 1], [344, 0, 1], [345, 0, 1]],
  },
  {
    name: 'PS-Information',
    command: -1,
    request: false,
    avp: 210,
    open: true,
    members: [[129, 0, 1], [325, 0, 1], [339, 0, 1], [130, 0, 1], [251, 0, 0], [362, 0, 1], [326, 0, 1], [343, 0, 1], [227, 0, 1], [252, 0, 0], [186, 0, 0], [342, 0, 0], [185, 0, 1], [323, 0, 1], [340, 0, 1], [135, 0, 1], [351, 0, 1], [136, 0, 1], [137, 0, 1], [5, 0, 1], [138, 0, 1], [139, 0, 1], [140, 0, 1], [341, 0, 1], [145, 0, 1], [150, 0, 1], [226, 0, 1], [149, 0, 1], [354, 0, 1], [366, 0, 1], [148, 0, 1], [201, 0, 1], [253, 0, 1], [274, 0, 1], [322, 0, 0], [316, 0, 0], [107, 0, 1], [358, 0, 1], [317, 0, 1], [318, 0, 1], [313, 0, 1], [315, 0, 1]],
  },
  {
    name: 'QoS-Information',
    command: -1,
    request: false,
    avp: 227,
    open: true,
    members: [[232, 0, 1], [161, 0, 1], [160, 0, 1], [230, 0, 1], [229, 0, 1], [228, 0, 1], [234, 0, 1], [236, 0, 1], [235, 0, 1]],
  },
  {
    name: 'Allocation-Retention-Priority',
    command: -1,
    request: false,
    avp: 234,
    open: true,
    members: [[237, 1, 1], [238, 0, 1], [239, 0, 1]],
  },
  {
    name: 'IMS-Information',
    command: -1,
    request: false,
    avp: 212,
    open: true,
    members: [[162, 0, 1], [168, 0, 1], [198, 1, 1], [169, 0, 1], [355, 0, 1], [170, 0, 0], [171, 0, 1], [255, 0, 0], [256, 0, 1], [275, 0, 1], [195, 0, 0], [172, 0, 1], [189, 0, 0], [177, 0, 0], [180, 0, 1], [181, 0, 0], [182, 0, 0], [187, 0, 1], [190, 0, 1], [193, 0, 1], [194, 0, 1], [254, 0, 0], [221, 0, 0], [197, 0, 1], [276, 0, 1], [365, 0, 1]],
  },
  {
    name: 'Event-Type',
    command: -1,
    request: false,
    avp: 162,
    open: true,
    members: [[163, 0, 1], [164, 0, 1], [220, 0, 1]],
  },
  {
    name: 'SMS-Information',
    command: -1,
    request: false,
    avp: 278,
    open: true,
    members: [[294, 0, 1], [296, 0, 1], [286, 0, 1], [295, 0, 1], [279, 0, 1], [290, 0, 1], [285, 0, 1], [287, 0, 1], [291, 0, 1], [289, 0, 1], [292, 0, 1], [293, 0, 1], [297, 0, 1], [306, 0, 1], [303, 0, 0], [304, 0, 1]],
  },
  {
    name: 'Recipient-Info',
    command: -1,
    request: false,
    avp: 303,
    open: true,
    members: [[280, 0, 1], [244, 0, 0], [305, 0, 0], [288, 0, 1], [291, 0, 1]],
  },
  {
    name: 'Recipient-Address',
    command: -1,
    request: false,
    avp: 244,
    open: true,
    members: [[224, 0, 1], [222, 0, 1], [223, 0, 1], [245, 0, 1]],
  },
  {
    name: 'Originator-Received-Address',
    command: -1,
    request: false,
    avp: 304,
    open: true,
    members: [[224, 0, 1], [222, 0, 1], [223, 0, 1]],
  },
  {
    name: 'Remaining-Balance',
    command: -1,
    request: false,
    avp: 299,
    open: true,
    members: [[94, 1, 1], [74, 1, 1]],
  },
  {
    name: 'Trigger',
    command: -1,
    request: false,
    avp: 261,
    open: true,
    members: [[206, 0, 0]],
  },
];
